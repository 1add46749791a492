"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  // Milliseconds from the beginning to the middle of each bucket.
  const withTimes = (chart) => ({
    ...chart,
    at: chart.buckets.map((bucket) => chart.start + (bucket + 0.5) * chart.width),
  });
  const charts = [...document.querySelectorAll("[data-chart]")].map((element) => ({
    element,
    ...withTimes(data.charts[Number(element.dataset.chart)]),
    plot: element.querySelector(".plot"),
    svg: element.querySelector("svg"),
    cross: element.querySelector(".cross"),
    brush: element.querySelector(".brush"),
    output: element.querySelector("output"),
    yAxis: element.querySelector(".y"),
    xAxis: element.querySelector(".x"),
    height: element.querySelector("svg").viewBox.baseVal.height,
    scope: element.closest(".scope"),
  }));
  const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  let view = { from: 0, to: data.length || 1 };

  const two = (n) => String(n).padStart(2, "0");
  const time = (offset) => new Date(data.from + offset);
  const longTime = (offset) => {
    const t = time(offset);
    return `${t.getUTCDate()} ${months[t.getUTCMonth()]} ${t.getUTCFullYear()} ${two(t.getUTCHours())}:${two(t.getUTCMinutes())}:${two(t.getUTCSeconds())}`;
  };
  const number = (value, digits) =>
    // Zero has no sign, and a value that is written as zero is none.
    (Math.abs(value) < 0.5 * 10 ** -digits ? 0 : value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const readable = (chart, value) => {
    if (chart.percent) return `${number(value * 100, 2)}%`;
    const size = Math.abs(value);
    return number(value, size >= 1 ? 2 : size >= 0.01 ? 4 : size === 0 ? 0 : 8);
  };

  // Number of the last point at or before an offset; -1 before the first.
  const indexAt = (at, offset) => {
    let low = -1;
    let high = at.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (at[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  };

  const tickStep = (span, wanted) => {
    const rough = span / wanted;
    const power = 10 ** Math.floor(Math.log10(rough));
    const factor = [1, 2, 5, 10].find((f) => f * power >= rough) || 10;
    return { step: factor * power, digits: Math.max(0, -Math.floor(Math.log10(power))) };
  };
  const clear = (element) => element.replaceChildren();
  const label = (axis, side, percent, text, wrapped, minor) => {
    const item = document.createElement("li");
    if (minor) item.className = "minor";
    item.style[side] = `${percent}%`;
    if (wrapped) {
      const inner = document.createElement("span");
      inner.textContent = text;
      item.append(inner);
    } else {
      item.textContent = text;
    }
    axis.append(item);
  };

  const drawY = (chart, low, high) => {
    clear(chart.yAxis);
    const factor = chart.percent ? 100 : 1;
    const { step, digits } = tickStep((high - low) * factor, 5);
    for (let value = Math.ceil((low * factor) / step) * step; value <= high * factor; value += step) {
      const top = ((high - value / factor) / (high - low)) * 100;
      label(chart.yAxis, "top", top, number(value, digits) + (chart.percent ? "%" : ""), true);
    }
  };

  const SECOND = 1000;
  const MINUTE = 60 * SECOND;
  const HOUR = 60 * MINUTE;
  const DAY = 24 * HOUR;
  const steps = [1, 5, 50, 250, SECOND, 5 * SECOND, 15 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR,
    2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY];
  const drawMonths = (chart, span) => {
    const stride = [1, 2, 3, 6, 12, 24, 60].find((s) => span / (s * 30 * DAY) < 10) || 240;
    const begin = time(view.from);
    const months0 = begin.getUTCFullYear() * 12 + begin.getUTCMonth();
    for (let month = (Math.floor(months0 / stride) + 1) * stride; ; month += stride) {
      const year = Math.floor(month / 12);
      const offset = Date.UTC(year, month % 12, 1) - data.from;
      if (offset >= view.to) break;
      const text = stride >= 12 ? String(year) : `${months[month % 12]} ${year}`;
      label(chart.xAxis, "left", ((offset - view.from) / span) * 100, text, false, (month / stride) % 2 === 1);
    }
  };
  const drawX = (chart) => {
    if (!chart.xAxis) return;
    clear(chart.xAxis);
    const span = view.to - view.from;
    const step = steps.find((s) => span / s < 10);
    if (!step) {
      drawMonths(chart, span);
      return;
    }
    const first = (Math.floor((data.from + view.from) / step) + 1) * step;
    for (let at = first; at < data.from + view.to; at += step) {
      const t = new Date(at);
      const clock = `${two(t.getUTCHours())}:${two(t.getUTCMinutes())}`;
      let text = `${t.getUTCDate()} ${months[t.getUTCMonth()]}`;
      if (step < SECOND) text = `${clock}:${two(t.getUTCSeconds())}.${String(t.getUTCMilliseconds()).padStart(3, "0")}`;
      else if (step < MINUTE) text = `${clock}:${two(t.getUTCSeconds())}`;
      else if (step < DAY && clock !== "00:00") text = clock;
      label(chart.xAxis, "left", ((at - data.from - view.from) / span) * 100, text, false, Math.round(at / step) % 2 === 1);
    }
  };

  // Fits a chart to the part of time that is in view, in both directions.
  const draw = (chart) => {
    const whole = data.length || 1;
    let low = chart.low;
    let high = chart.high;
    if (view.from > 0 || view.to < whole) {
      const first = Math.max(0, indexAt(chart.at, view.from));
      const last = Math.max(first, indexAt(chart.at, view.to));
      low = Infinity;
      high = -Infinity;
      for (let i = first; i <= last && i < chart.at.length; i += 1) {
        low = Math.min(low, chart.min[i]);
        high = Math.max(high, chart.max[i]);
      }
      if (chart.zero) {
        low = Math.min(low, 0);
        high = Math.max(high, 0);
      }
      const room = (high - low) * 0.06 || Math.abs(high) * 0.01 || 1;
      if (!(chart.zero && low === 0)) low -= room;
      if (!(chart.zero && high === 0)) high += room;
      if (!Number.isFinite(low)) [low, high] = [chart.low, chart.high];
    }
    const unit = chart.height / (chart.high - chart.low);
    const x = (view.from / whole) * 1000;
    const width = Math.max(((view.to - view.from) / whole) * 1000, 1e-6);
    chart.svg.setAttribute("viewBox", `${x} ${(chart.high - high) * unit} ${width} ${(high - low) * unit}`);
    drawY(chart, low, high);
    drawX(chart);
  };

  const zoom = (from, to) => {
    const whole = data.length || 1;
    view = { from: Math.max(0, from), to: Math.min(whole, to) };
    charts.forEach(draw);
    document.querySelectorAll(".reset").forEach((button) => button.remove());
    if (view.from > 0 || view.to < whole) {
      const scopes = new Set(charts.map((chart) => chart.scope));
      scopes.forEach((scope) => {
        const button = document.createElement("button");
        button.className = "reset";
        button.textContent = "Show all";
        button.addEventListener("click", () => zoom(0, whole));
        const caption = scope.querySelector("[data-chart] figcaption");
        caption.insertBefore(button, caption.querySelector("output"));
      });
    }
  };

  const point = (scope, share) => {
    const offset = view.from + (view.to - view.from) * share;
    for (const chart of charts.filter((one) => one.scope === scope)) {
      chart.cross.style.display = "block";
      chart.cross.style.left = `${share * 100}%`;
      const i = indexAt(chart.at, offset);
      let text = i < 0 ? "" : readable(chart, chart.last[i]);
      if (i >= 0 && chart.max[i] > chart.min[i] && !chart.percent) {
        text += ` (${readable(chart, chart.min[i])} to ${readable(chart, chart.max[i])})`;
      }
      if (chart.fills) {
        const near = chart.fills.filter((fill) => Math.abs(fill[0] - offset) < (view.to - view.from) / 200);
        const buys = near.reduce((sum, fill) => sum + fill[1], 0);
        const sells = near.reduce((sum, fill) => sum + fill[2], 0);
        if (buys + sells > 0) text += `, ${buys} buys, ${sells} sells`;
      }
      chart.output.textContent = chart.xAxis || i < 0 ? text : `${longTime(offset)}  ${text}`;
    }
  };
  const unpoint = () => {
    for (const chart of charts) {
      chart.cross.style.display = "none";
      chart.output.textContent = "";
    }
  };

  for (const chart of charts) {
    let anchor = null;
    const shareOf = (event) => {
      const box = chart.plot.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    };
    chart.plot.addEventListener("pointermove", (event) => {
      const share = shareOf(event);
      point(chart.scope, share);
      if (anchor !== null) {
        chart.brush.style.display = "block";
        chart.brush.style.left = `${Math.min(anchor, share) * 100}%`;
        chart.brush.style.width = `${Math.abs(share - anchor) * 100}%`;
      }
    });
    chart.plot.addEventListener("pointerdown", (event) => {
      point(chart.scope, shareOf(event));
      if (event.pointerType !== "mouse" || event.button !== 0) return;
      anchor = shareOf(event);
      chart.plot.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    chart.plot.addEventListener("pointerup", (event) => {
      if (anchor === null) return;
      const share = shareOf(event);
      const [left, right] = [Math.min(anchor, share), Math.max(anchor, share)];
      anchor = null;
      chart.brush.style.display = "none";
      const span = view.to - view.from;
      if (right - left > 0.01 && span > 1) zoom(view.from + span * left, view.from + span * right);
    });
    chart.plot.addEventListener("pointercancel", () => {
      anchor = null;
      chart.brush.style.display = "none";
    });
    chart.plot.addEventListener("pointerleave", () => anchor === null && unpoint());
    chart.plot.addEventListener("dblclick", () => zoom(0, data.length || 1));
  }

  const tabs = document.querySelector(".tabs");
  if (tabs) {
    const scopes = [...document.querySelectorAll(".scope")];
    const buttons = [...tabs.querySelectorAll("button")];
    const select = (chosen) => {
      buttons.forEach((button, i) => button.setAttribute("aria-selected", String(i === chosen)));
      scopes.forEach((scope, i) => {
        scope.hidden = i !== chosen;
      });
    };
    buttons.forEach((button, i) => button.addEventListener("click", () => select(i)));
    tabs.hidden = false;
    document.querySelector("main").classList.add("tabbed");
    select(0);
  }
})();
