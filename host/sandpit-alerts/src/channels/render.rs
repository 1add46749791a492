//! A notice in words: a headline, a line for each alert, and no more than a channel takes.

use crate::{
    Name,
    channels::Sending,
    desk::{Item, News, Notice},
    stamp::to_the_second,
};

/// Characters of a headline.
pub(super) const HEADLINE_CHARS_MAX: usize = 200;

/// The first line: how bad, where, what.
pub(super) fn headline(source: &Name, notice: &Notice) -> String {
    let text = match notice.items.as_slice() {
        [one] => {
            let alert = &one.alert;
            format!("[{}] {source}: {} {}: {}", mark(one), alert.rule, alert.subject, said(one))
        }
        items => {
            let is_over = items.iter().all(|item| item.news == News::Resolved);
            let word =
                if is_over { "RESOLVED".to_owned() } else { notice.severity.word().to_uppercase() };
            format!("[{word}] {source}: {} alerts", items.len())
        }
    };
    cut(&text, HEADLINE_CHARS_MAX)
}

/// A line about one alert.
pub(super) fn line(item: &Item) -> String {
    let alert = &item.alert;
    let since = to_the_second(alert.since);
    let times = match alert.count {
        0 | 1 => String::new(),
        count => format!(", {count} times"),
    };
    let number = alert.id;
    format!(
        "{} #{number} {} {}: {} (since {since}{times})",
        mark(item),
        alert.rule,
        alert.subject,
        said(item)
    )
}

fn mark(item: &Item) -> String {
    let severity = item.alert.severity.word().to_uppercase();
    match item.news {
        News::Raised => severity,
        News::Worse => format!("{severity}, WORSE"),
        News::Reminder => format!("{severity}, NOT ACKNOWLEDGED"),
        News::Acknowledged => "ACKNOWLEDGED".to_owned(),
        News::Resolved => "RESOLVED".to_owned(),
        News::Test => "TEST".to_owned(),
    }
}

fn said(item: &Item) -> String {
    let alert = &item.alert;
    let by = alert.acknowledged.as_ref().filter(|_| item.news == News::Acknowledged);
    let ending = alert.ending.as_ref().filter(|_| item.news == News::Resolved);
    match (by, ending) {
        (Some(by), _) => format!("seen by {}", by.by),
        (None, Some(ending)) => ending.text.to_string(),
        (None, None) => alert.text.to_string(),
    }
}

/// All of a notice, escaped, within a length that `measure` takes of escaped text. Where not all
/// alerts have room, the last line says how many are left out.
pub(super) fn body(
    source: &Name,
    sending: Sending<'_>,
    most: usize,
    escape: impl Fn(&str) -> String,
    measure: impl Fn(&str) -> usize,
) -> String {
    /// What the last line may need.
    const REST: usize = 80;
    let notice = sending.notice;
    let mut out = escape(&headline(source, notice));
    let items: &[Item] = if notice.items.len() == 1 && is_said_by_headline(source, notice) {
        &[]
    } else {
        &notice.items
    };
    let mut tail = Vec::new();
    if let [one] = notice.items.as_slice()
        && items.is_empty()
    {
        tail.push(format!("#{} since {}", one.alert.id, to_the_second(one.alert.since)));
    }
    if notice.came_and_went > 0 {
        tail.push(format!("{} more came and went in the quiet hours", notice.came_and_went));
    }
    if let Some(before) = sending.instead_of.last() {
        tail.push(format!("sent this way because `{before}` did not take it"));
    }
    let tail: String = tail.iter().map(|line| format!("\n{}", escape(line))).collect();
    let room = most.saturating_sub(measure(&tail));
    let mut left = items.len();
    for item in items {
        let line = format!("\n{}", escape(&line(item)));
        let kept = if left == 1 { 0 } else { REST };
        if measure(&out) + measure(&line) + kept > room {
            out.push_str(&escape(&format!("\n… and {left} more: see `sandpit alerts list`")));
            break;
        }
        out.push_str(&line);
        left -= 1;
    }
    out + &tail
}

/// Whether nothing was cut off.
fn is_said_by_headline(source: &Name, notice: &Notice) -> bool {
    !headline(source, notice).ends_with('…')
}

/// At most so many characters.
pub(super) fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    out.push('…');
    out
}

/// How many characters there are.
pub(super) fn chars(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use sandpit_core::time::UnixNanos;

    use super::*;
    use crate::Text;

    fn notice(items: usize, text: &str) -> Notice {
        let mut notice = Notice::test(UnixNanos(1_790_000_000_000_000_000));
        let mut item = notice.items.remove(0);
        item.news = News::Raised;
        item.alert.text = Text::from(text);
        notice.items = vec![item; items];
        notice
    }

    fn sending(notice: &Notice) -> Sending<'_> {
        Sending { notice, now: notice.at, instead_of: &[] }
    }

    #[test]
    fn one_alert_is_one_line_and_its_number() {
        let said = body(
            &Name::from("desk"),
            sending(&notice(1, "down for 12 s")),
            500,
            str::to_owned,
            chars,
        );
        assert_eq!(
            said,
            "[INFO] desk: alerting test: down for 12 s\n#0 since 2026-09-21T14:13:20Z"
        );
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        for items in [2, 7, 50] {
            for most in [300, 2_000, 4_000] {
                for text in ["short", &"*_`".repeat(200)] {
                    let notice = notice(items, text);
                    let escape = |text: &str| text.replace('*', "\\*").replace('_', "\\_");
                    let said = body(&Name::from("desk"), sending(&notice), most, escape, chars);
                    assert!(chars(&said) <= most, "{} of {most}", chars(&said));
                    let lines = said.lines().filter(|line| line.starts_with("INFO")).count();
                    let more = said.lines().find_map(|line| line.strip_prefix("… and "));
                    let more =
                        more.map_or(0, |line| line.split(' ').next().unwrap().parse().unwrap());
                    assert_eq!(lines + more, items);
                }
            }
        }
    }
}
