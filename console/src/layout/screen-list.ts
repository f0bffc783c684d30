import type { ComponentType } from "react";
import type { Dictionary } from "../i18n/dictionary.ts";
import type { Rights } from "../session/rights.ts";
import type { IconName } from "../ui/icon.tsx";
import { part } from "../ui/part.ts";

/** A screen of the console: a row here is all that it takes to be found. */
export interface Screen {
  readonly path: string;
  /** Its name is `nav[name]`, its icon that of the same name unless `icon` says another; absent: it is not in the navigation. */
  readonly name?: Exclude<keyof Dictionary["nav"], "label" | "groups">;
  readonly icon?: IconName;
  readonly group: keyof Dictionary["nav"]["groups"];
  /** Whether a key with these rights gets it; others get a plain page that says so. */
  readonly may: (rights: Rights) => boolean;
  readonly component: ComponentType;
}

const anybody = () => true;

/** All screens, in the order of the navigation. Each is loaded when it is opened first. */
export const screenList: readonly Screen[] = [
  {
    path: "/",
    name: "home",
    icon: "find",
    group: "observe",
    may: anybody,
    component: part(async () => (await import("../screens/home/home.tsx")).Home),
  },
  {
    path: "/requests",
    name: "requests",
    group: "observe",
    may: ({ readRecords }) => readRecords,
    component: part(async () => (await import("../screens/requests/requests.tsx")).Requests),
  },
  {
    path: "/requests/:id",
    group: "observe",
    may: anybody,
    component: part(async () => (await import("../screens/request/request.tsx")).RequestScreen),
  },
  {
    path: "/jobs",
    name: "jobs",
    group: "observe",
    may: ({ readRecords }) => readRecords,
    component: part(async () => (await import("../screens/jobs/jobs.tsx")).Jobs),
  },
  {
    path: "/channels",
    name: "channels",
    group: "observe",
    may: ({ readPlatform }) => readPlatform,
    component: part(async () => (await import("../screens/channels/channels.tsx")).Channels),
  },
  {
    path: "/spend",
    name: "spend",
    group: "money",
    may: ({ readRecords }) => readRecords,
    component: part(async () => (await import("../screens/spend/spend.tsx")).Spend),
  },
  {
    path: "/ledger",
    name: "ledger",
    group: "money",
    may: ({ readAdministration }) => readAdministration,
    component: part(async () => (await import("../screens/ledger/ledger.tsx")).Ledger),
  },
  {
    path: "/keys",
    name: "keys",
    group: "manage",
    may: ({ readAdministration }) => readAdministration,
    component: part(async () => (await import("../screens/keys/keys.tsx")).Keys),
  },
  {
    path: "/accounts",
    name: "accounts",
    group: "manage",
    may: ({ readAdministration }) => readAdministration,
    component: part(async () => (await import("../screens/accounts/accounts.tsx")).Accounts),
  },
  {
    path: "/webhooks",
    name: "webhooks",
    group: "manage",
    may: ({ readAdministration }) => readAdministration,
    component: part(async () => (await import("../screens/webhooks/webhooks.tsx")).Webhooks),
  },
  {
    path: "/trail",
    name: "trail",
    group: "manage",
    may: ({ readPlatform }) => readPlatform,
    component: part(async () => (await import("../screens/trail/trail.tsx")).Trail),
  },
  {
    path: "/me",
    name: "me",
    icon: "me",
    group: "own",
    may: anybody,
    component: part(async () => (await import("../screens/me/my-key.tsx")).MyKey),
  },
];
