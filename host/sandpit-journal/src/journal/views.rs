//! Views for people, with names, times and decimal numbers. All is derived from the rows alone, so
//! no view can disagree with them. Sums of money are exact: in whole units and two parts of nine
//! digits, each of which fits 64 bits.

/// Name and definition of every view; whether those of plugins that came later are shown.
pub(super) fn all(later_plugins: bool) -> Vec<(String, String)> {
    [
        ("instruments", instruments()),
        ("plugins", plugins(later_plugins)),
        ("orders", orders()),
        ("fills", fills()),
        ("positions", positions()),
        ("daily_pnl", daily_pnl()),
        ("denials", denials()),
        ("alerts", alerts()),
        ("locks", locks()),
    ]
    .into_iter()
    .map(|(name, select)| (name.to_owned(), format!("CREATE VIEW {name} AS\n{select}")))
    .collect()
}

/// The first row of the file, which says what the numbers of plugins and instruments mean.
const BEGAN: &str = "(SELECT body FROM journal WHERE seq = (SELECT min(seq) FROM journal))";

/// A time in nanoseconds as ISO 8601 with all its digits.
fn time(nanos: &str) -> String {
    format!(
        "strftime('%Y-%m-%dT%H:%M:%S', {nanos} / 1000000000, 'unixepoch') || printf('.%09dZ', {nanos} % 1000000000)"
    )
}

/// A raw number at a scale as a decimal text.
fn decimal(raw: &str, scale: &str) -> String {
    let unit = format!("CAST('1' || substr('000000000000000000', 1, {scale}) AS INTEGER)");
    format!(
        "CASE WHEN {scale} = 0 THEN CAST({raw} AS TEXT) ELSE (CASE WHEN {raw} < 0 THEN '-' ELSE '' END) || (abs({raw}) / {unit}) || '.' || printf('%0*d', {scale}, abs({raw}) % {unit}) END"
    )
}

/// The three parts of a money text as sums of integers: `whole`, `high` and `low`.
fn money_sums(text: &str) -> String {
    let sign = format!("(CASE WHEN {text} LIKE '-%' THEN -1 ELSE 1 END)");
    let digits = format!("ltrim({text}, '-')");
    let fraction = format!(
        "substr(substr({digits}, instr({digits}, '.') + 1) || '000000000000000000', 1, 18)"
    );
    format!(
        "sum({sign} * CAST(substr({digits}, 1, instr({digits}, '.') - 1) AS INTEGER)) AS whole, sum({sign} * CAST(substr({fraction}, 1, 9) AS INTEGER)) AS high, sum({sign} * CAST(substr({fraction}, 10, 9) AS INTEGER)) AS low"
    )
}

/// Such sums as one money text: `rows` must give the columns `keys`, `whole`, `high` and `low`.
fn money_total(keys: &str, rows: &str) -> String {
    let carried = format!(
        "SELECT {keys}, whole + (high + low / 1000000000) / 1000000000 AS whole, ((high + low / 1000000000) % 1000000000) * 1000000000 + low % 1000000000 AS rest FROM ({rows})"
    );
    // Both parts get the same sign.
    let signed = format!(
        "SELECT {keys}, CASE WHEN whole > 0 AND rest < 0 THEN whole - 1 WHEN whole < 0 AND rest > 0 THEN whole + 1 ELSE whole END AS whole, CASE WHEN whole > 0 AND rest < 0 THEN rest + 1000000000000000000 WHEN whole < 0 AND rest > 0 THEN rest - 1000000000000000000 ELSE rest END AS rest FROM ({carried})"
    );
    format!(
        "SELECT {keys}, (CASE WHEN whole < 0 OR rest < 0 THEN '-' ELSE '' END) || abs(whole) || '.' || substr(printf('%018d', abs(rest)), 1, 2) || rtrim(substr(printf('%018d', abs(rest)), 3), '0') AS amount FROM ({signed})"
    )
}

fn instruments() -> String {
    let scale = |field: &str| {
        let text = format!("(value ->> '{field}')");
        format!(
            "CASE instr({text}, '.') WHEN 0 THEN 0 ELSE length({text}) - instr({text}, '.') END"
        )
    };
    format!(
        "SELECT CAST(key AS INTEGER) AS id, value ->> 'symbol' AS symbol, value ->> 'venue' AS venue, value ->> 'kind' AS kind, value ->> 'price_tick' AS price_tick, value ->> 'quantity_step' AS quantity_step, {} AS price_scale, {} AS quantity_scale FROM json_each({BEGAN}, '$.began.instruments')",
        scale("price_tick"),
        scale("quantity_step"),
    )
}

fn plugins(later: bool) -> String {
    let first = format!(
        "SELECT CAST(key AS INTEGER) AS id, value ->> 'name' AS name, value ->> 'budget' AS budget FROM json_each({BEGAN}, '$.began.plugins')"
    );
    if !later {
        return first;
    }
    let added = "SELECT plugin AS id, body ->> '$.\"plugin-added\".name' AS name, body ->> '$.\"plugin-added\".budget' AS budget FROM journal WHERE kind = 'plugin-added'";
    format!("{first} UNION ALL {added}")
}

fn orders() -> String {
    // What an order was placed as, what became of it, and how much of it traded.
    let placed = "placed AS (SELECT order_id, min(seq) AS seq, at, plugin, instrument, coalesce(body -> '$.submitted.order', body -> '$.held.order', body -> '$.carried.order') AS placed, coalesce(body ->> '$.submitted.purpose', body ->> '$.held.purpose', body ->> '$.carried.purpose') AS purpose, coalesce(body ->> '$.carried.filled', 0) AS carried, body ->> '$.carried.state' AS state FROM journal WHERE kind IN ('submitted', 'held', 'carried') GROUP BY order_id)";
    let moved = "moved AS (SELECT order_id, max(seq) AS seq, body ->> '$.moved.to' AS state FROM journal WHERE kind = 'moved' GROUP BY order_id)";
    let became = "became AS (SELECT order_id, max(seq) AS seq, body ->> '$.moved.news.became.quantity' AS quantity FROM journal WHERE kind = 'moved' AND body -> '$.moved.news.became' IS NOT NULL GROUP BY order_id)";
    let traded = "traded AS (SELECT order_id, sum(body ->> '$.filled.fill.quantity') AS quantity FROM journal WHERE kind = 'filled' GROUP BY order_id)";
    let closed = "closed AS (SELECT order_id, max(seq) AS seq, body ->> '$.closed.state' AS state FROM journal WHERE kind = 'closed' GROUP BY order_id)";
    let order_kind = "CASE json_type(placed, '$.kind') WHEN 'text' THEN placed ->> '$.kind' ELSE (SELECT key FROM json_each(placed, '$.kind')) END";
    let quantity = "coalesce(became.quantity, placed ->> '$.quantity')";
    let filled = "(carried + coalesce(traded.quantity, 0))";
    let price = |path: &str| decimal(&format!("({path})"), "price_scale");
    format!(
        "WITH {placed}, {moved}, {became}, {traded}, {closed} \
SELECT placed.seq AS seq, {} AS time, plugins.name AS plugin, instruments.symbol AS symbol, placed.order_id AS order_id, placed ->> '$.tag' AS tag, placed ->> '$.side' AS side, {order_kind} AS kind, {} AS quantity, {} AS filled, {} AS limit_price, {} AS trigger_price, purpose, \
coalesce(closed.state, CASE WHEN {filled} >= {quantity} THEN 'filled' END, moved.state, placed.state, 'submitted') AS state \
FROM placed LEFT JOIN moved USING (order_id) LEFT JOIN became USING (order_id) LEFT JOIN traded USING (order_id) LEFT JOIN closed USING (order_id) \
LEFT JOIN plugins ON plugins.id = placed.plugin LEFT JOIN instruments ON instruments.id = placed.instrument ORDER BY placed.seq",
        time("placed.at"),
        decimal(quantity, "quantity_scale"),
        decimal(filled, "quantity_scale"),
        price(
            "coalesce(placed ->> '$.kind.limit.price', placed ->> '$.kind.\"stop-limit\".limit')"
        ),
        price(
            "coalesce(placed ->> '$.kind.stop.trigger', placed ->> '$.kind.\"stop-limit\".trigger', placed ->> '$.kind.\"take-profit\".trigger')"
        ),
    )
}

fn fills() -> String {
    let fill = "coalesce(body -> '$.filled.fill', body -> '$.liquidated.fill')";
    let price = decimal(&format!("({fill} ->> '$.price')"), "price_scale");
    let quantity = decimal(&format!("({fill} ->> '$.quantity')"), "quantity_scale");
    format!(
        "SELECT seq, {} AS time, plugins.name AS plugin, symbol, order_id, journal.kind AS kind, coalesce(body ->> '$.filled.order.side', body ->> '$.liquidated.side') AS side, {price} AS price, {quantity} AS quantity, {fill} ->> '$.fee' AS fee, CASE {fill} ->> '$.maker' WHEN 1 THEN 'maker' ELSE 'taker' END AS liquidity, {fill} ->> '$.trade_id' AS trade_id, body ->> '$.filled.origin' AS origin \
FROM journal LEFT JOIN plugins ON plugins.id = journal.plugin LEFT JOIN instruments ON instruments.id = journal.instrument WHERE journal.kind IN ('filled', 'liquidated') ORDER BY seq",
        time("at"),
    )
}

fn positions() -> String {
    let changes = "SELECT plugin, instrument, at, CASE coalesce(body ->> '$.filled.order.side', body ->> '$.liquidated.side', 'buy') WHEN 'sell' THEN -1 ELSE 1 END * coalesce(body ->> '$.filled.fill.quantity', body ->> '$.liquidated.fill.quantity', body ->> '$.\"carried-position\".quantity') AS quantity, coalesce(body ->> '$.filled.fill.fee', body ->> '$.liquidated.fill.fee', body ->> '$.\"carried-position\".fees') AS fee, kind <> 'carried-position' AS is_fill FROM journal WHERE kind IN ('filled', 'liquidated', 'carried-position')";
    let sums = format!(
        "SELECT plugin, instrument, max(at) AS at, sum(quantity) AS quantity, sum(is_fill) AS fills, {} FROM ({changes}) GROUP BY plugin, instrument",
        money_sums("fee"),
    );
    format!(
        "SELECT plugins.name AS plugin, symbol, {} AS quantity, total.fills AS fills, amount AS fees, {} AS changed FROM ({}) AS total LEFT JOIN plugins ON plugins.id = total.plugin LEFT JOIN instruments ON instruments.id = total.instrument ORDER BY total.plugin, total.instrument",
        decimal("total.quantity", "quantity_scale"),
        time("total.at"),
        money_total("plugin, instrument, at, quantity, fills", &sums),
    )
}

fn daily_pnl() -> String {
    // The last sample of each day (UTC) of each scope.
    let last = "SELECT plugin, date(at / 1000000000, 'unixepoch') AS day, max(seq) AS seq, body ->> '$.equity.sample.equity' AS equity, body ->> '$.equity.sample.balance' AS balance, body ->> '$.equity.sample.day_start' AS day_start FROM journal WHERE kind = 'equity' GROUP BY plugin, day";
    let negated =
        "CASE WHEN day_start LIKE '-%' THEN substr(day_start, 2) ELSE '-' || day_start END";
    let both = format!(
        "SELECT plugin, day, equity, balance, day_start, equity AS part FROM ({last}) UNION ALL SELECT plugin, day, equity, balance, day_start, {negated} FROM ({last})"
    );
    let sums = format!(
        "SELECT plugin, day, equity, balance, day_start, {} FROM ({both}) GROUP BY plugin, day",
        money_sums("part"),
    );
    format!(
        "SELECT day, coalesce(plugins.name, 'account') AS plugin, amount AS pnl, equity, balance, day_start FROM ({}) AS total LEFT JOIN plugins ON plugins.id = total.plugin ORDER BY day, total.plugin",
        money_total("plugin, day, equity, balance, day_start", &sums),
    )
}

fn denials() -> String {
    let denial = "body -> '$.denied.denial'";
    format!(
        "SELECT seq, {} AS time, plugins.name AS plugin, symbol, body ->> '$.denied.tag' AS tag, CASE json_type(body, '$.denied.denial') WHEN 'text' THEN body ->> '$.denied.denial' ELSE (SELECT key FROM json_each(body, '$.denied.denial')) END AS code, {denial} AS detail FROM journal LEFT JOIN plugins ON plugins.id = journal.plugin LEFT JOIN instruments ON instruments.id = journal.instrument WHERE journal.kind = 'denied' ORDER BY seq",
        time("at"),
    )
}

fn alerts() -> String {
    format!(
        "SELECT seq, {} AS time, plugins.name AS plugin, symbol, journal.kind AS kind, body AS detail FROM journal LEFT JOIN plugins ON plugins.id = journal.plugin LEFT JOIN instruments ON instruments.id = journal.instrument WHERE journal.kind IN ('alert', 'faulted', 'instrument-halted', 'cut-accepted', 'restored') ORDER BY seq",
        time("at"),
    )
}

fn locks() -> String {
    format!(
        "SELECT seq, {} AS time, coalesce(plugins.name, 'account') AS plugin, journal.kind AS kind, coalesce(body ->> '$.locked.lock.reason', body ->> '$.unlocked.reason') AS reason, body ->> '$.locked.lock.state' AS state, {} AS unlock_at FROM journal LEFT JOIN plugins ON plugins.id = journal.plugin WHERE journal.kind IN ('locked', 'unlocked') ORDER BY seq",
        time("at"),
        time("CAST(body ->> '$.locked.lock.unlock_at' AS INTEGER)"),
    )
}
