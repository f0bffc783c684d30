import { type ChannelHealth, createChannelHealth, type HealthFigures, type HealthOptions } from "./channel-health.ts";

/** What of a channel decides whether it is still the same upstream. */
export interface HealthSubject {
  readonly name: string;
  readonly origin: string;
  readonly basePath: string;
}

/** The health of all channels, as this process sees it. */
export interface Health {
  /** That of a channel. One that moved to another address begins anew. */
  of(channel: HealthSubject): ChannelHealth;
  /** Reads the figures of all channels, by name; see `ChannelHealth.read`. */
  read(): Map<string, HealthFigures>;
  /** Channels that are open or cool down, as of the last reading. */
  readonly broken: number;
}

/** Options of `createHealth`. */
export interface AllHealthOptions extends Omit<HealthOptions, "onChange"> {
  readonly onChange: (channel: string, change: Parameters<HealthOptions["onChange"]>[0]) => void;
}

/** Readings in which a channel may be idle before it is forgotten: an hour of seconds. */
const forgetAfter = 3_600;

/** Begins to watch; channels are known from their first attempt on. */
export function createHealth({ onChange, ...options }: AllHealthOptions): Health {
  const known = new Map<string, { health: ChannelHealth; target: string; unused: number }>();
  let broken = 0;
  return {
    of({ name, origin, basePath }) {
      const target = origin + basePath;
      const found = known.get(name);
      if (found?.target === target) return found.health;
      const health = createChannelHealth({ ...options, onChange: (change) => onChange(name, change) });
      known.set(name, { health, target, unused: 0 });
      return health;
    },
    read() {
      const all = new Map<string, HealthFigures>();
      broken = 0;
      for (const [name, entry] of known) {
        const figures = entry.health.read();
        all.set(name, figures);
        if (figures.open || figures.cooldownUntilMs > Date.now()) broken++;
        entry.unused = figures.attempts === 0 && entry.health.idle ? entry.unused + 1 : 0;
        if (entry.unused > forgetAfter) known.delete(name);
      }
      return all;
    },
    get broken() {
      return broken;
    },
  };
}
