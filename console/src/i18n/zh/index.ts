import type { Dictionary } from "../dictionary.ts";
import { channels } from "./channels.ts";
import { common, nav, signIn, trouble } from "./common.ts";
import { errors } from "./errors.ts";
import { find } from "./find.ts";
import { jobs, webhooks } from "./later.ts";
import { life } from "./life.ts";
import { accounts, keys, ledger, manage, trail } from "./manage.ts";
import { me } from "./me.ts";
import { requests } from "./requests.ts";
import { spend } from "./spend.ts";

/** The words of the console in Chinese. */
export const zh: Dictionary = {
  common,
  nav,
  trouble,
  signIn,
  errors,
  find,
  life,
  me,
  manage,
  keys,
  accounts,
  ledger,
  trail,
  jobs,
  webhooks,
  requests,
  channels,
  spend,
};
