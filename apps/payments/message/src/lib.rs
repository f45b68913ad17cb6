//! pacs.008 and pacs.002: reading, validating and writing ISO 20022 payment messages.
