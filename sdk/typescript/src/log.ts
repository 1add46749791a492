/** The strategy's own log: lines to the host, or to a list where there is no host. */

export type Level = "debug" | "info" | "warn" | "error";

/** Lines that are kept where there is no host; later ones are dropped. */
const SINK_LINES_MAX = 10_000;

let lines: [Level, string][] = [];
let write = (level: Level, message: string): void => {
  if (lines.length < SINK_LINES_MAX) {
    lines.push([level, message]);
  }
};

/** Says where lines go. For the component. */
export function setWriter(writer: (level: Level, message: string) => void): void {
  write = writer;
}

/** What was written since this was last asked, where there is no host. For tests. */
export function takeLog(): [Level, string][] {
  const taken = lines;
  lines = [];
  return taken;
}

/** Writes lines to the strategy's log. */
export const log = {
  /** For those who look for a fault. */
  debug: (message: string): void => write("debug", message),
  /** For those who look on. */
  info: (message: string): void => write("info", message),
  /** Somebody should read it. */
  warn: (message: string): void => write("warn", message),
  /** Somebody must read it. */
  error: (message: string): void => write("error", message),
};
