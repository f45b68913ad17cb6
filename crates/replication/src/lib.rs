//! Home, follower and takeover rules of one group.
