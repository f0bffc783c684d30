/** Drawings of 24 by 24, by their names; lines of the text's colour. */
const drawings = {
  find: "M11 19a8 8 0 1 0 0-16 8 8 0 0 0 0 16ZM21 21l-4.350-4.350",
  requests: "M4 6h16M4 12h16M4 18h10",
  channels: "M6 3v12M18 9v12M6 15a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM18 3a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM15 6H9a3 3 0 0 0-3 3",
  spend: "M4 20V10M10 20V4M16 20v-7M22 20H2",
  keys: "M15.5 7.500a5.5 5.5 0 1 1-4.9 8L3 15.500v3h3M15.5 12h.01",
  accounts:
    "M16 20v-1a4 4 0 0 0-4-4H7a4 4 0 0 0-4 4v1M9.5 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM21 20v-1a4 4 0 0 0-3-3.870M16 4.130a3.5 3.5 0 0 1 0 6.740",
  ledger: "M5 3h11l3 3v15H5ZM9 9h6M9 13h6M9 17h3",
  trail: "M12 8v4l3 2M3.5 12a8.5 8.5 0 1 0 2.6-6.100M3 3v4h4",
  me: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4 21a8 8 0 0 1 16 0",
  jobs: "M4 7h16v13H4ZM9 7V4h6v3M4 12h16",
  webhooks: "M9 8a3.5 3.5 0 1 1 5.3 3l3 5M6.5 13.500a3.5 3.5 0 1 0 3 5h6M12 8l-3 5.500M17.5 19.500a3.5 3.5 0 1 0 0-7",
  copy: "M9 9h11v11H9ZM5 15H4V4h11v1",
  done: "M4 12.5 9.5 18 20 6.5",
  alert: "M12 3 2 20h20ZM12 10v4M12 17h.01",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 11v5M12 8h.01",
  close: "M5 5l14 14M19 5 5 19",
  menu: "M3 6h18M3 12h18M3 18h18",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.400M17.6 17.6 19 19M19 5l-1.4 1.400M6.4 17.6 5 19",
  moon: "M20 14.500A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.500Z",
  screen: "M3 4h18v12H3ZM8 20h8M12 16v4",
  language: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18",
  out: "M10 4H4v16h6M15 8l4 4-4 4M19 12H9",
  link: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  down: "M6 9l6 6 6-6",
  right: "M9 6l6 6-6 6",
  plus: "M12 5v14M5 12h14",
  eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12ZM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z",
  rotate: "M20 11a8 8 0 0 0-14.5-4L3 9M3 4v5h5M4 13a8 8 0 0 0 14.5 4L21 15M21 20v-5h-5",
  download: "M12 3v12M7 10l5 5 5-5M4 20h16",
  live: "M12 14a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM7.8 16.200a6 6 0 0 1 0-8.400M16.2 7.800a6 6 0 0 1 0 8.400M5 19a10 10 0 0 1 0-14M19 5a10 10 0 0 1 0 14",
  pause: "M8 5v14M16 5v14",
} as const;

/** Name of an icon. */
export type IconName = keyof typeof drawings;

/** An icon. It says nothing to screen readers: what it means stands beside it, or on its button. */
export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={drawings[name]} />
    </svg>
  );
}

/** The mark of the product: one thread through everything. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg className="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M5 20c4.5 0 5.5-8 11-8s6.5 8 11 8" />
      <circle cx="16" cy="12" r="3.2" />
    </svg>
  );
}
