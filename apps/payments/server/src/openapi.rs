//! The description of the payment routes, for the console's document.

use console::openapi::{PROBLEM, answer, operation, parameter};
use serde_json::{Value, json};

/// All paths of this crate.
pub(crate) fn paths() -> Value {
    let id = parameter("path", "id", "a UETR, or SENDER%2FMESSAGE-ID");
    let currency = parameter("path", "currency", "an ISO 4217 code");
    let mut payment =
        vec![id.clone(), parameter("query", "group", "the group that has it, if known")];
    payment.extend(reading());
    let key = parameter("path", "key", "the account's key: an IBAN, another number, `BIC:…`");
    let mut report =
        operation("The pacs.002 that answered the message, to the byte.", &payment, &FOUND);
    report["responses"]["200"] = answer("pacs.002 of the matching version", "application/xml");
    let report = shown(report);
    json!({
        "/v1/payments": { "post": pay() },
        "/v1/payments/{id}": { "get": shown(operation(
            "What became of a payment, with its status history and the age of this view.",
            &payment,
            &FOUND,
        )) },
        "/v1/payments/{id}/pacs.002": { "get": report },
        "/v1/payments/{id}/cancel": { "post": cancel() },
        "/v1/accounts": { "post": open(), "get": shown(operation(
            "Accounts in order of currency, of ledger and of opening.",
            &[&[
                parameter("query", "currency", "only this currency"),
                parameter("query", "group", "only ledgers of this group"),
                parameter("query", "offset", "how many to pass over"),
                parameter("query", "limit", "how many to list, at most 1,000"),
            ], &reading()[..]].concat(),
            &[
                ("200", "`accounts`, and `next_offset` if there are more"),
                ("400", "`bad-currency`, `bad-query`, `bad-header`; `committed-only`: not as provisional"),
            ],
        )) },
        "/v1/accounts/{currency}/{key}": { "get": shown(operation(
            "One account.",
            &[&[currency.clone(), key.clone()], &reading()[..]].concat(),
            &[
                ("200", "the account"),
                ("400", "`bad-currency`, `bad-path`"),
                ("404", "not known here; see the age"),
            ],
        )) },
        "/v1/accounts/{currency}/{key}/state": { "post": set_state(currency, key) },
        "/v1/cut": { "get": cut() },
        "/v1/books": { "get": shown(operation(
            "Every ledger in use, added up from its accounts, and what stands between ledgers.",
            &[
                &[parameter("query", "group", "only ledgers of this group, and no pairs")],
                &reading()[..],
            ]
            .concat(),
            &[
                (
                    "200",
                    "`balanced`: debits equal credits everywhere, and every pair of `clearing` differs by \
                     what is in flight; `pending_count`",
                ),
                ("400", "`bad-query`, `bad-header`; `committed-only`: not as provisional"),
            ],
        )) },
        "/v1/cases": { "get": operation(
            "What people have to settle: frozen channels, money in suspense, and the payments that wait for \
             another ledger.",
            &[parameter("query", "settled", "`true`: also cases in suspense of which nothing is left")],
            &[
                (
                    "200",
                    "`frozen`; `suspense`, by case and ledger with what was `opened`, what was `settled`, and \
                     what is left (`amount`, `age_ms`); `pending` (the 100 oldest of `pending_count`)",
                ),
                ("400", "`bad-query`"),
            ],
        ) },
        "/v1/cases/{case}": { "get": operation(
            "The payments in suspense under a case, with every step in which they were settled.",
            &[parameter("path", "case", "its number"), parameter("query", "offset", "how many to pass over")],
            &[
                ("200", "`suspense` as in all cases, and `items`, 100 at a time, with their `steps`"),
                ("400", "`bad-path`, `bad-query`"),
                ("404", "`no-such-case`: nothing ever stood under it here"),
            ],
        ), "post": settle() },
        "/v1/channels": { "get": operation(
            "The channels between ledgers, each with both its ends.",
            &[],
            &[("200", "`channels`, each with its `state`: `open`, `frozen`, or `half-open` since `half_open_ms`")],
        ) },
        "/v1/channels/{from}/{to}": { "get": reopening(), "post": reopen() },
        "/v1/digests": { "get": operation(
            "Digests of each group: equal positions must come with equal digests in every region.",
            &[],
            &[("200", "by group")],
        ) },
    })
}

const FOUND: [(&str, &str); 3] = [
    ("200", "as this region has heard"),
    ("400", "`bad-id`, `bad-path`, `bad-query`, `bad-header`"),
    ("404", "not known here; see the age"),
];

/// What every read may say of how much it asks for.
fn reading() -> [Value; 3] {
    [
        parameter(
            "header",
            "Evenkeel-Read",
            "`linearizable`, `session`, `bounded=2s`, `stale` (the default without tokens) or \
             `provisional`; see docs/operating/reads.md",
        ),
        parameter("header", "Evenkeel-Session", "tokens of earlier answers, with commas between"),
        parameter("header", "Evenkeel-Timeout", "how long to wait for the level, as in `500ms`"),
    ]
}

/// What every read may be told about its level.
fn shown(mut read: Value) -> Value {
    for (status, description) in [
        ("307", "`not-home`, `no-model`: ask the node in `Location`"),
        (
            "409",
            "`several-homes`: no node is the home of all that was asked for, name one group; \
             `kept-apart`: no one place keeps all that the client has seen",
        ),
        (
            "410",
            "`token-orphaned`: what the client has seen is in no history; `token_epoch`, `token_seq`, \
             `left_out_by_epoch`, `left_out_from_seq`",
        ),
        (
            "503",
            "`too-old`: `age_ms`; `unheard`: too many wait for what this node has not heard of; \
             `state-differs`, `no-home`, `busy`: ask again or elsewhere",
        ),
        (
            "504",
            "`unconfirmed`: this may no longer be the home; `unapplied`: it is, and has not come to what it \
             has told; `behind`: what the client has seen has not \
             come here",
        ),
    ] {
        read["responses"][status] = answer(description, PROBLEM);
    }
    for (header, description) in [
        ("Evenkeel-Read", "the level under which it was read"),
        ("Evenkeel-Session", "what the client has seen with it"),
        ("Evenkeel-Age-Ms", "the age of the oldest record that closes what was read"),
    ] {
        for status in ["200", "404"] {
            if read["responses"][status].is_object() {
                read["responses"][status]["headers"][header] =
                    json!({ "description": description, "schema": { "type": "string" } });
            }
        }
    }
    read
}

fn cut() -> Value {
    let mut cut = operation(
        "The books of all ledgers at one time, and a digest that is the same in every region.",
        &[parameter(
            "query",
            "at_us",
            "the time, microseconds since 1970; ask every node for the same before it comes",
        )],
        &[
            (
                "200",
                "`balanced`, `digest`, `groups` as they stood, `books`, and `clearing`, in which every \
                 pair differs by exactly what is in flight",
            ),
            ("400", "`bad-query`; `cut-too-early`: more than a minute ahead"),
            ("401", "`unauthorized`"),
            ("403", "`no-token`: this node has no administrators' token"),
            ("409", "`cut-past`: this node has applied something later"),
            ("503", "`state-differs`, `busy`, `stopping`"),
            ("504", "`cut-open`: a group has not closed its time in time"),
        ],
    );
    cut["security"] = json!([{ "admin": [] }]);
    cut
}

fn pay() -> Value {
    let mut pay = operation(
        "Carries out one pacs.008 and answers with its one outcome.",
        &[
            parameter("header", "Evenkeel-Timeout", "how long to wait, as in `500ms`"),
            parameter("header", "Prefer", "`wait=N`: how many seconds to wait"),
            parameter(
                "header",
                "Evenkeel-Until",
                "`commit` waits for the commit whatever the group's class; `class` is the default",
            ),
            parameter("header", "Evenkeel-Not-After", "a UTC time; 24 hours from now at most"),
        ],
        &[
            ("307", "`not-home`: ask the node in `Location`"),
            ("400", "`not-xml`, `hostile-xml`, `not-pacs008`: no message was found; `bad-header`"),
            ("408", "`too-slow`: the body took longer than 30 s"),
            ("409", "`conflict`: the id belongs to a message with other content"),
            ("410", "`expired`: the time named had passed; this request did nothing"),
            ("413", "larger than 1 MiB"),
            ("415", "not XML by its content type"),
            ("503", "`busy`: nothing was done"),
            ("504", "`unknown-outcome`: ask again with the same message"),
        ],
    );
    pay["requestBody"] = json!({
        "required": true,
        "content": { "application/xml": { "schema": {
            "description": "pacs.008.001.08, .10, .12 or .13, bare or with a head.001",
        } } },
    });
    pay["responses"]["200"] = answer("pacs.002: ACSC, RJCT or PART", "application/xml");
    pay["responses"]["202"] = answer(
        "pacs.002. With `Evenkeel-Provisional`: of what is on one disk and not committed, it may yet be \
         lost, and is then itemised. Without, ACSP: debited, and not answered by the ledger of a \
         creditor's account; ask again with the same message",
        "application/xml",
    );
    pay["responses"]["202"]["headers"]["Evenkeel-Provisional"] =
        json!({ "description": "`true`", "schema": { "type": "string" } });
    pay["responses"]["422"] = json!({
        "description": "pacs.002 RJCT: the message breaks its schema or a rule; problem details if \
                        not even its id could be read",
        "content": {
            "application/xml": { "schema": {} },
            PROBLEM: { "schema": { "$ref": "#/components/schemas/Problem" } },
        },
    });
    for (header, description) in [
        ("Evenkeel-Repeated", "whether the message had its outcome before this request"),
        ("Evenkeel-Group", "the group that decided"),
        ("Evenkeel-Seq", "the position of the record in the group's chain"),
        ("Evenkeel-Session", "what the client has seen with it, for later reads"),
    ] {
        pay["responses"]["200"]["headers"][header] =
            json!({ "description": description, "schema": { "type": "string" } });
    }
    pay
}

fn cancel() -> Value {
    let mut name = parameter("header", "Idempotency-Key", "the request's name");
    name["required"] = json!(true);
    let mut cancel = operation(
        "Wishes back what is pending of a payment between two ledgers; the creditor's decides.",
        &[parameter("path", "id", "a UETR, or SENDER%2FMESSAGE-ID"), name],
        &[
            (
                "202",
                "`cancelling_count` transactions were pending; what became of them is their status",
            ),
            ("400", "`bad-header`: no name; `bad-id`, `bad-path`"),
            ("401", "no or a wrong token"),
            ("403", "`no-token`: this node takes no changes over HTTP"),
            ("404", "not known here; see the age"),
            ("409", "`nothing-pending`: it is final; `conflict`: the name meant another payment"),
            ("503", "`busy`: nothing was done"),
            ("504", "`unknown-outcome`: ask again with the same name"),
        ],
    );
    cancel["security"] = json!([{ "admin": [] }]);
    cancel
}

fn reopening() -> Value {
    let mut look = operation(
        "What it would take to open a frozen channel again; changes nothing.",
        &[
            parameter("path", "from", "the sending group"),
            parameter("path", "to", "the receiving one"),
        ],
        &[
            (
                "200",
                "`state`; if frozen the `gist` to order by, what becomes of what is `waiting`, and which \
                 payments one side carried out and the other lost",
            ),
            ("400", "`bad-path`"),
            ("401", "no or a wrong token"),
            ("403", "`no-token`: this node takes no orders over HTTP"),
            ("404", "`no-such-channel`"),
        ],
    );
    look["security"] = json!([{ "admin": [] }]);
    look
}

fn reopen() -> Value {
    let mut reopen = operation(
        "Opens a frozen channel again, each ledger its end; repeated, it does what is missing.",
        &[
            parameter("path", "from", "the sending group"),
            parameter("path", "to", "the receiving one"),
        ],
        &[
            ("200", "both ends go on: `ends`, each with what was accounted for; `next_step`"),
            ("400", "`no-case`: payments were lost; `bad-json`, `bad-path`, `out-of-limits`"),
            ("401", "no or a wrong token"),
            ("403", "`no-token`: this node takes no changes over HTTP"),
            ("404", "`no-such-channel`"),
            (
                "409",
                "`moved`: look again; `ahead`: a home's clock leads, order again; `old-version`: the \
                 ledgers' model comes first; `not-frozen`; `refused`, `conflict`",
            ),
            ("503", "`busy`: nothing was done"),
            ("504", "`unknown-outcome`: look again, and order what is missing"),
        ],
    );
    reopen["security"] = json!([{ "admin": [] }]);
    reopen["requestBody"] = json!({
        "required": true,
        "content": { "application/json": { "schema": {
            "type": "object",
            "additionalProperties": false,
            "required": ["gist", "reason"],
            "properties": {
                "gist": { "type": "string", "description": "what the look gave" },
                "reason": { "type": "string" },
                "case": { "type": "integer", "description": "to which what was lost is posted" },
            },
        } } },
    });
    reopen
}

fn settle() -> Value {
    let mut name = parameter("header", "Idempotency-Key", "the order's name, its own per case");
    name["required"] = json!(true);
    let mut settle = operation(
        "Moves what stands in suspense for a payment out of the case, or some of it.",
        &[parameter("path", "case", "its number"), name],
        &[
            ("200", "done by the first order of this name: `item_left`, `case_left`, `is_open`"),
            (
                "400",
                "`bad-header`: no name; `bad-item`, `bad-amount`, `bad-json`, `bad-path`, `out-of-limits`",
            ),
            ("401", "no or a wrong token"),
            ("403", "`no-token`: this node takes no changes over HTTP"),
            ("404", "`no-such-case`: no such payment is known here under this case"),
            (
                "409",
                "`overdrawn`: more than is left; `refused`: the account cannot take or give it; `conflict`: \
                 the name meant another order; `which-group`",
            ),
            ("422", "`refused`: an amount of zero"),
            ("503", "`busy`: nothing was done"),
            ("504", "`unknown-outcome`: ask again with the same name"),
        ],
    );
    settle["security"] = json!([{ "admin": [] }]);
    settle["requestBody"] = json!({
        "required": true,
        "content": { "application/json": { "schema": {
            "type": "object",
            "additionalProperties": false,
            "required": ["item", "way", "amount", "reason"],
            "properties": {
                "item": { "type": "string", "description": "the payment, as the case names it" },
                "way": {
                    "enum": ["pay", "return", "write-back", "collect"],
                    "description": "to the beneficiary, to the payer, back to the house; or from the payer \
                                    into the case",
                },
                "amount": { "type": "string", "description": "in units of the currency" },
                "reason": { "type": "string", "description": "kept with the step for ever" },
                "group": { "type": "integer", "description": "the ledger, if several have it" },
                "account": {
                    "type": "string",
                    "description": "from which what another ledger is owed is collected",
                },
            },
        } } },
    });
    settle
}

fn set_state(currency: Value, key: Value) -> Value {
    let mut name =
        parameter("header", "Idempotency-Key", "the request's name, its own per account");
    name["required"] = json!(true);
    let mut set = operation(
        "Blocks or closes an account, or opens it again; the same name again is harmless.",
        &[currency, key, name],
        &[
            ("200", "the state was set by the first request of this name"),
            ("400", "`bad-header`: no name; `bad-json`, `bad-currency`, `out-of-limits`"),
            ("401", "no or a wrong token"),
            ("403", "`no-token`: this node takes no changes over HTTP"),
            ("404", "`no-such-account`"),
            (
                "409",
                "`refused`: it is closed, or not empty; `conflict`: the name meant another state",
            ),
            ("422", "`refused`: an account of the house's own"),
            ("503", "`busy`: nothing was done"),
            ("504", "`unknown-outcome`: ask again with the same name"),
        ],
    );
    set["security"] = json!([{ "admin": [] }]);
    set["requestBody"] = json!({
        "required": true,
        "content": { "application/json": { "schema": {
            "type": "object",
            "additionalProperties": false,
            "required": ["state"],
            "properties": { "state": { "enum": ["open", "blocked", "closed"] } },
        } } },
    });
    set
}

fn open() -> Value {
    let mut open = operation(
        "Opens and funds an account; the same again is harmless.",
        &[],
        &[
            ("200", "it was there already"),
            ("201", "it was opened"),
            ("400", "`bad-json`, `bad-currency`, `bad-amount`, `out-of-limits`"),
            ("401", "no or a wrong token"),
            ("403", "`no-token`: this node takes no changes over HTTP"),
            ("409", "`exists-different`, or `refused`"),
            ("422", "`bad-iban`; `refused`: a key of the house's own, or too large a balance"),
            ("503", "`busy`: nothing was done"),
            ("504", "`unknown-outcome`: ask again with the same account"),
            ("507", "`refused`: the books are full"),
        ],
    );
    open["security"] = json!([{ "admin": [] }]);
    open["requestBody"] = json!({
        "required": true,
        "content": { "application/json": { "schema": {
            "type": "object",
            "additionalProperties": false,
            "required": ["currency", "key", "kind"],
            "properties": {
                "currency": { "type": "string", "description": "ISO 4217" },
                "key": { "type": "string", "description": "how messages name the account" },
                "name": { "type": "string" },
                "funding": {
                    "type": "string",
                    "description": "the opening balance in units of the currency, as in `1000.00`",
                },
                "kind": { "enum": ["customer", "settlement", "house"] },
            },
        } } },
    });
    open
}
