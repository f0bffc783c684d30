import type { Generated } from "kysely";
import type { StoredQuantities, StoredRate } from "../domain/vectors.ts";
import type { PriceColumn, UsageColumn } from "./columns.ts";

interface Limits {
  requests_per_minute: Generated<bigint>;
  tokens_per_minute: Generated<bigint>;
  concurrent_requests: Generated<bigint>;
  concurrent_jobs: Generated<bigint>;
  daily_budget: Generated<bigint>;
  monthly_budget: Generated<bigint>;
}

interface Counters {
  reserved: Generated<bigint>;
  open_count: Generated<bigint>;
  open_jobs: Generated<bigint>;
  day: Generated<number>;
  day_spent: Generated<bigint>;
  month: Generated<number>;
  month_spent: Generated<bigint>;
}

/** Table `account`. */
export interface AccountTable extends Limits, Counters {
  account_id: Generated<bigint>;
  name: string;
  group_name: string;
  state: Generated<number>;
  balance: Generated<bigint>;
  credit_floor: Generated<bigint>;
  ledger_seq: Generated<bigint>;
  disconnect_policy: Generated<number>;
  store_response: Generated<number>;
  store_request: Generated<boolean>;
  operator: Generated<boolean>;
  created_at: Generated<Date>;
  created_with: Buffer;
}

/** Table `key`. */
export interface KeyTable extends Limits, Counters {
  key_id: Generated<bigint>;
  account_id: bigint;
  name: string;
  kind: number;
  prefix: string;
  user_id: string;
  scopes: string[];
  allowed_models: string[];
  allowed_cidrs: string[];
  group_name: string;
  expires_at: Date | null;
  revoked_at: Date | null;
  created_at: Generated<Date>;
  created_with: Buffer;
  tracked: Generated<boolean>;
  generation: Generated<number>;
}

/** Table `key_secret`. */
export interface KeySecretTable {
  hash: Buffer;
  key_id: bigint;
  valid_until: Date | null;
  created_at: Generated<Date>;
  generation: Generated<number>;
}

/** Table `administration`. */
export interface AdministrationTable {
  event_id: Generated<bigint>;
  request_id: bigint;
  call: number;
  procedure: string;
  actor_key_id: bigint;
  actor: string;
  actor_account_id: bigint;
  address: string;
  target: string;
  values_json: string;
  outcome: string;
  created_at: Generated<Date>;
  before_json: Generated<string>;
  after_json: Generated<string>;
  number: Generated<bigint>;
  previous_hash: Generated<Buffer>;
  hash: Generated<Buffer>;
}

/** Table `tariff`. */
export interface TariffTable extends Record<PriceColumn, bigint> {
  tariff_id: Generated<number>;
  hash: Buffer;
  module: string;
  model: string;
  dialect: string;
  group_name: string;
  channel: string;
  platform: string;
  strategy: string;
  price_source: number;
  group_ratio_ppm: bigint;
  /** JSON; null: none. */
  rates: readonly StoredRate[] | null;
  /** Hash of the tariff that has the vendor's list prices; null: they are not known. */
  list_hash: Buffer | null;
}

/** Table `reservation`: open ones only. */
export interface ReservationTable {
  request_id: bigint;
  account_id: bigint;
  key_id: bigint;
  amount: bigint;
  expires_at: Date;
  created_at: Date;
  tariff_id: number;
  idempotent: boolean;
  user_id: string | null;
  slots: Generated<number>;
  jobs: Generated<number>;
}

/** Table `ledger`: append-only. */
export interface LedgerTable extends Record<UsageColumn, bigint | null> {
  entry_id: bigint;
  account_id: bigint;
  seq: bigint;
  amount: bigint;
  reserved: bigint;
  balance_after: bigint;
  created_at: Date;
  key_id: bigint | null;
  tariff_id: number | null;
  kind: number;
  estimated: boolean;
  /** JSON; null: none. */
  more: StoredQuantities | null;
  traits: Readonly<Record<string, string>> | null;
  /** Nano-USD by the vendor's list; null: not known. */
  list_price: bigint | null;
  end_user: string | null;
  /** JSON; null: none. */
  tags: readonly string[] | null;
  reason: string;
  actor: string | null;
  user_id: string | null;
  error_code: string | null;
  reference: string | null;
}

/** Table `idempotency`. */
export interface IdempotencyTable {
  account_id: bigint;
  key_hash: Buffer;
  digest: Buffer;
  request_id: bigint;
  created_at: Date;
  locked_until: Date;
  answered: Generated<boolean>;
}

/** Table `answer`. */
export interface AnswerTable {
  request_id: bigint;
  day: number;
  account_id: bigint;
  http_status: number;
  content_type: string;
  body: Buffer;
  created_at: Date;
}

/** Table `job`. */
export interface JobTable {
  name: string;
  position: Date;
  holder: string;
  held_until: Date;
}

/** Table `pepper_check`. */
export interface PepperCheckTable {
  one: Generated<boolean>;
  digest: Buffer;
  made_at: Generated<Date>;
}

/** The schema `billing`. */
export interface BillingSchema {
  administration: AdministrationTable;
  account: AccountTable;
  key: KeyTable;
  key_secret: KeySecretTable;
  tariff: TariffTable;
  reservation: ReservationTable;
  ledger: LedgerTable;
  idempotency: IdempotencyTable;
  answer: AnswerTable;
  job: JobTable;
  pepper_check: PepperCheckTable;
}
