/* Made from the gateway's router by npm run client:generate. */
import type {
  TRPCBuiltRouter,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCSubscriptionProcedure,
} from "@trpc/server";
import type { ChatCompletion, ChatCompletionChunk, ChatRequest } from "./chat.ts";
import type { Message, MessageRequest, MessageStreamEvent } from "./messages.ts";
import type {
  Embeddings,
  EmbeddingsRequest,
  ImageRequest,
  Images,
  Moderation,
  ModerationRequest,
  Reranking,
  RerankRequest,
  Speech,
  SpeechRequest,
  Video,
  VideoRequest,
} from "./modules.ts";
import type { Billed, StreamEvent } from "./receipt.ts";
import type { ModelResponse, ResponseRequest, ResponseStreamEvent } from "./responses.ts";
import type { Quantities } from "./units.ts";

/** What `error.data` says. */
export type ErrorData = {
  /** Code of the catalogue. */
  code:
    | "missing_required_field"
    | "invalid_value"
    | "model_not_supported"
    | "context_length_exceeded"
    | "content_filtered"
    | "invalid_api_key"
    | "expired_api_key"
    | "revoked_api_key"
    | "insufficient_quota"
    | "permission_denied"
    | "account_suspended"
    | "not_found"
    | "idempotency_conflict"
    | "request_too_large"
    | "idempotency_mismatch"
    | "rate_limit_exceeded"
    | "concurrent_limit_exceeded"
    | "client_closed_request"
    | "cancelled"
    | "internal_error"
    | "interrupted"
    | "not_implemented"
    | "upstream_error"
    | "upstream_outcome_unknown"
    | "service_unavailable"
    | "upstream_timeout"
    | "expired"
    | "upstream_overloaded";
  /** Type of the envelope. */
  type:
    | "insufficient_quota"
    | "request_too_large"
    | "invalid_request_error"
    | "authentication_error"
    | "permission_error"
    | "not_found_error"
    | "rate_limit_error"
    | "api_error"
    | "overloaded_error";
  httpStatus: number;
  /** Path of the offending input. */
  param: string | null;
  request_id: string;
  upstream_request_id: string | null;
  /** True: the same call may succeed later. */
  retryable: boolean;
  /** Milliseconds after which it may; null: not known. */
  retry_after_ms: number | null;
  /** Procedure. */
  path: string | null;
};

/** Every procedure: what it takes and what it gives. */
export type Procedures = {
  chat: {
    /** Answers a conversation. */
    create: Mutation<ChatRequest, ChatCompletion & Billed>;
    /** Answers a conversation as it is written. The last chunk has the usage. */
    stream: Subscription<ChatRequest, StreamEvent<ChatCompletionChunk>>;
  };
  messages: {
    /** Answers a conversation. */
    create: Mutation<MessageRequest, Message & Billed>;
    /** Answers a conversation as it is written. */
    stream: Subscription<MessageRequest, StreamEvent<MessageStreamEvent>>;
  };
  responses: {
    /** Answers an input. */
    create: Mutation<ResponseRequest, ModelResponse & Billed>;
    /** Answers an input as it is written. */
    stream: Subscription<ResponseRequest, StreamEvent<ResponseStreamEvent>>;
  };
  embeddings: {
    /** Makes vectors of texts. */
    create: Mutation<EmbeddingsRequest, Embeddings & Billed>;
  };
  rerank: {
    /** Orders documents by what they have to say on a query, the best first. */
    create: Mutation<RerankRequest, Reranking & Billed>;
  };
  moderations: {
    /** Judges texts and pictures. */
    create: Mutation<ModerationRequest, Moderation & Billed>;
  };
  images: {
    /** Makes pictures of a text. */
    create: Mutation<ImageRequest, Images & Billed>;
  };
  speech: {
    /** Speaks a text. The bytes come whole, in base64; as they are made they come over HTTP. */
    create: Mutation<SpeechRequest, Speech & Billed>;
  };
  videos: {
    /** Begins a video. */
    create: Mutation<VideoRequest, Video & Billed>;
    /** Reads a video. */
    get: Query<
      {
        id: string;
      },
      Video
    >;
    /** Lists videos, the newest first unless `ascending`. */
    list: Query<
      | {
          /** Jobs behind this one, in the order of the list. */
          after?: string | undefined;
          limit?: number | undefined;
          ascending?: boolean | undefined;
        }
      | undefined,
      {
        videos: Video[];
        has_more: boolean;
      }
    >;
    /** Deletes a video that has ended; one that is in the making is given up, and `deleted` is false. */
    delete: Mutation<
      {
        id: string;
      },
      {
        id: string;
        deleted: boolean;
      }
    >;
  };
  jobs: {
    /** Reads a job with what it cost, once it is settled, and its life: polls, events, deliveries. Its result is at the path that `content` names. */
    get: Query<
      {
        id: string;
        account_id?: string | undefined;
      },
      {
        life: {
          id: string;
          vendor_job_id: string | null;
          deadline_time: string;
          polls: number;
          failed_polls: number;
          events: {
            name: string;
            at_ms: number;
          }[];
          /** Without addresses: they are their account's, and this may be read by a key of one of its users. */
          deliveries: {
            delivery_id: string;
            webhook_id: string;
            event_id: string;
            type: string;
            state: string | undefined;
            tries: number;
            /** The last 20 at most. */
            last_tries: {
              time: string;
              duration_ms: number;
              http_status: number | null;
              error: string | null;
            }[];
            created_time: string;
            next_try_time: string | null;
          }[];
        };
        usage: {
          input_tokens: number;
          cached_input_tokens: number;
          cache_write_tokens: number;
          output_tokens: number;
          reasoning_tokens: number;
          images: number;
          audio_ms: number;
          characters: number;
          estimated: boolean;
          quantities: Quantities;
          traits: {
            [key: string]: string;
          };
        } | null;
        /** In US dollars, exact. */
        billed_usd: string | null;
        /** Why this much, in the ledger's words, e.g. "usage". */
        billing_reason: string | null;
        /** What the same usage costs by the vendor's list; null: not known. */
        list_price_usd: string | null;
        /** Who carries it out: a vendor that has jobs of its own, or the platform itself, which calls an upstream later. */
        kind: "vendor" | "call";
        account_id: string;
        key_id: string;
        user_id: string | null;
        polls: number;
        /** How many of the last questions in a row were not answered. */
        failed_polls: number;
        deadline_time: string;
        /**
         * Why the last question was not answered as it should be: a code of the catalogue, `channel_removed`, `job_unknown` or
         * `word_unknown`; null: it was.
         */
        trouble: {
          code: string;
          since_time: string;
        } | null;
        /** `job_` and the ID of its request. */
        id: string;
        object: "job";
        request_id: string;
        module: "" | "chat" | "embeddings" | "rerank" | "moderation" | "audio" | "image" | "video";
        dialect: string;
        model: string;
        status: "failed" | "pending" | "queueing" | "processing" | "succeeded";
        progress: number;
        cancel_requested: boolean;
        channel: string | null;
        vendor_job_id: string | null;
        created_time: string;
        ended_time: string | null;
        expires_time: string | null;
        error: {
          code: string;
          message: string;
          /** Path of the parameter that it is about; null: of none. */
          param: string | null;
        } | null;
        content: {
          /** Path of the HTTP API. */
          url: string;
          /** Their type, where it is known. */
          type?: string;
          /** How many, where it is known. */
          bytes?: number;
        } | null;
      }
    >;
    /** Lists jobs with what they cost, the newest first unless `ascending`: an operator's administration key everybody's, a tenant's its account's, any other key its own. */
    list: Query<
      | {
          /** For administration keys: only this account's. */
          account_id?: string | undefined;
          /** Within what the key sees: only this key's, and only this end user's. */
          key_id?: string | undefined;
          user_id?: string | undefined;
          statuses?: ("failed" | "pending" | "queueing" | "processing" | "succeeded")[] | undefined;
          kind?: "vendor" | "call" | undefined;
          module?: "chat" | "embeddings" | "rerank" | "moderation" | "audio" | "image" | "video" | undefined;
          from?: string | undefined;
          to?: string | undefined;
          /** Jobs behind this one, in the order of the list. */
          after?: string | undefined;
          limit?: number | undefined;
          ascending?: boolean | undefined;
        }
      | undefined,
      {
        jobs: {
          usage: {
            input_tokens: number;
            cached_input_tokens: number;
            cache_write_tokens: number;
            output_tokens: number;
            reasoning_tokens: number;
            images: number;
            audio_ms: number;
            characters: number;
            estimated: boolean;
            quantities: Quantities;
            traits: {
              [key: string]: string;
            };
          } | null;
          /** In US dollars, exact. */
          billed_usd: string | null;
          /** Why this much, in the ledger's words, e.g. "usage". */
          billing_reason: string | null;
          /** What the same usage costs by the vendor's list; null: not known. */
          list_price_usd: string | null;
          /** Who carries it out: a vendor that has jobs of its own, or the platform itself, which calls an upstream later. */
          kind: "vendor" | "call";
          account_id: string;
          key_id: string;
          user_id: string | null;
          polls: number;
          /** How many of the last questions in a row were not answered. */
          failed_polls: number;
          deadline_time: string;
          /**
           * Why the last question was not answered as it should be: a code of the catalogue, `channel_removed`, `job_unknown` or
           * `word_unknown`; null: it was.
           */
          trouble: {
            code: string;
            since_time: string;
          } | null;
          /** `job_` and the ID of its request. */
          id: string;
          object: "job";
          request_id: string;
          module: "" | "chat" | "embeddings" | "rerank" | "moderation" | "audio" | "image" | "video";
          dialect: string;
          model: string;
          status: "failed" | "pending" | "queueing" | "processing" | "succeeded";
          progress: number;
          cancel_requested: boolean;
          channel: string | null;
          vendor_job_id: string | null;
          created_time: string;
          ended_time: string | null;
          expires_time: string | null;
          error: {
            code: string;
            message: string;
            /** Path of the parameter that it is about; null: of none. */
            param: string | null;
          } | null;
          content: {
            /** Path of the HTTP API. */
            url: string;
            /** Their type, where it is known. */
            type?: string;
            /** How many, where it is known. */
            bytes?: number;
          } | null;
        }[];
        has_more: boolean;
        /** What `after` of the next page is; null: this is the last. */
        next_cursor: string | null;
      }
    >;
    /** Asks that a job is given up; it is in sight until it has ended. */
    cancel: Mutation<
      {
        id: string;
        account_id?: string | undefined;
      },
      {
        usage: {
          input_tokens: number;
          cached_input_tokens: number;
          cache_write_tokens: number;
          output_tokens: number;
          reasoning_tokens: number;
          images: number;
          audio_ms: number;
          characters: number;
          estimated: boolean;
          quantities: Quantities;
          traits: {
            [key: string]: string;
          };
        } | null;
        /** In US dollars, exact. */
        billed_usd: string | null;
        /** Why this much, in the ledger's words, e.g. "usage". */
        billing_reason: string | null;
        /** What the same usage costs by the vendor's list; null: not known. */
        list_price_usd: string | null;
        /** Who carries it out: a vendor that has jobs of its own, or the platform itself, which calls an upstream later. */
        kind: "vendor" | "call";
        account_id: string;
        key_id: string;
        user_id: string | null;
        polls: number;
        /** How many of the last questions in a row were not answered. */
        failed_polls: number;
        deadline_time: string;
        /**
         * Why the last question was not answered as it should be: a code of the catalogue, `channel_removed`, `job_unknown` or
         * `word_unknown`; null: it was.
         */
        trouble: {
          code: string;
          since_time: string;
        } | null;
        /** `job_` and the ID of its request. */
        id: string;
        object: "job";
        request_id: string;
        module: "" | "chat" | "embeddings" | "rerank" | "moderation" | "audio" | "image" | "video";
        dialect: string;
        model: string;
        status: "failed" | "pending" | "queueing" | "processing" | "succeeded";
        progress: number;
        cancel_requested: boolean;
        channel: string | null;
        vendor_job_id: string | null;
        created_time: string;
        ended_time: string | null;
        expires_time: string | null;
        error: {
          code: string;
          message: string;
          /** Path of the parameter that it is about; null: of none. */
          param: string | null;
        } | null;
        content: {
          /** Path of the HTTP API. */
          url: string;
          /** Their type, where it is known. */
          type?: string;
          /** How many, where it is known. */
          bytes?: number;
        } | null;
      }
    >;
  };
  batches: {
    /** Reads a batch with what its lines cost so far. */
    get: Query<
      {
        id: string;
        account_id?: string | undefined;
      },
      {
        /** What they consumed of every unit. */
        usage: {
          input_tokens: number;
          cached_input_tokens: number;
          cache_write_tokens: number;
          output_tokens: number;
          reasoning_tokens: number;
          images: number;
          audio_ms: number;
          characters: number;
          estimated: boolean;
          quantities: Quantities;
          traits: {
            [key: string]: string;
          };
        } | null;
        /** In US dollars, exact; null: not known, for some of them ended before batches knew it. */
        billed_usd: string | null;
        /** What they cost by the vendors' lists, as far as that is known; null: of none. */
        list_price_usd: string | null;
        /** How many lines have a known list price. */
        listed_lines: number;
        /** As the API calls it that it was asked for by. */
        id: string;
        request_id: string;
        api: "openai" | "anthropic";
        endpoint: string;
        /** Models that its lines name, at most 20. */
        models: string[];
        account_id: string;
        key_id: string;
        user_id: string | null;
        status: "loading" | "running" | "cancelling" | "finalizing" | "ended";
        cancel_requested: boolean;
        lines: {
          total: number;
          succeeded: number;
          failed: number;
          cancelled: number;
          expired: number;
        };
        created_time: string;
        deadline_time: string | null;
        ended_time: string | null;
      }
    >;
    /**
     * Lists batches with what their lines cost so far, the newest first unless `ascending`: an operator's administration key everybody's, a
     * tenant's its account's, any other key its own.
     */
    list: Query<
      | {
          /** For administration keys: only this account's. */
          account_id?: string | undefined;
          /** Within what the key sees: only this key's, and only this end user's. */
          key_id?: string | undefined;
          user_id?: string | undefined;
          api?: "openai" | "anthropic" | undefined;
          /** Batches behind this one, in the order of the list. */
          after?: string | undefined;
          limit?: number | undefined;
          ascending?: boolean | undefined;
        }
      | undefined,
      {
        batches: {
          /** What they consumed of every unit. */
          usage: {
            input_tokens: number;
            cached_input_tokens: number;
            cache_write_tokens: number;
            output_tokens: number;
            reasoning_tokens: number;
            images: number;
            audio_ms: number;
            characters: number;
            estimated: boolean;
            quantities: Quantities;
            traits: {
              [key: string]: string;
            };
          } | null;
          /** In US dollars, exact; null: not known, for some of them ended before batches knew it. */
          billed_usd: string | null;
          /** What they cost by the vendors' lists, as far as that is known; null: of none. */
          list_price_usd: string | null;
          /** How many lines have a known list price. */
          listed_lines: number;
          /** As the API calls it that it was asked for by. */
          id: string;
          request_id: string;
          api: "openai" | "anthropic";
          endpoint: string;
          /** Models that its lines name, at most 20. */
          models: string[];
          account_id: string;
          key_id: string;
          user_id: string | null;
          status: "loading" | "running" | "cancelling" | "finalizing" | "ended";
          cancel_requested: boolean;
          lines: {
            total: number;
            succeeded: number;
            failed: number;
            cancelled: number;
            expired: number;
          };
          created_time: string;
          deadline_time: string | null;
          ended_time: string | null;
        }[];
        has_more: boolean;
        /** What `after` of the next page is; null: this is the last. */
        next_cursor: string | null;
      }
    >;
  };
  models: {
    /** Lists them by name, with what they can do and what they cost. */
    list: Query<
      void,
      {
        models: {
          id: string;
          owned_by: string;
          module: "" | "chat" | "embeddings" | "rerank" | "moderation" | "audio" | "image" | "video";
          /** Paths of the HTTP API that serve it, the usual one first. */
          endpoints: string[];
          /** What it can do beyond its module's plain work; null: nobody has said, and nothing is refused. */
          capabilities: string[] | null;
          /** Most tokens of input and output together; null: not known. */
          context_window_tokens: number | null;
          /** Most tokens of one answer; null: not known. */
          max_output_tokens: number | null;
          /** First day on which it is served no more; null: none is known. */
          shutdown_date: string | null;
          /** What it costs by the channels that may serve it, those first that are asked first; each price once. Empty: that of the model that it chooses. */
          prices: {
            rates: readonly {
              unit:
                | "images"
                | "pages"
                | "input_tokens"
                | "cached_input_tokens"
                | "cache_write_tokens"
                | "output_tokens"
                | "reasoning_tokens"
                | "audio_ms"
                | "characters"
                | "requests"
                | "cache_write_1h_tokens"
                | "input_image_tokens"
                | "cached_input_image_tokens"
                | "output_image_tokens"
                | "input_audio_tokens"
                | "cached_input_audio_tokens"
                | "output_audio_tokens"
                | "input_video_tokens"
                | "output_video_tokens"
                | "input_images"
                | "input_kilopixels"
                | "input_audio_ms"
                | "output_audio_ms"
                | "input_video_ms"
                | "output_video_ms"
                | "searches"
                | "web_searches"
                | "tool_calls"
                | "sessions"
                | "vendor_nano_usd";
              /** USD for `per` of the unit. */
              usd: string;
              /** A million tokens, a thousand milliseconds, one piece ... */
              per: number;
              /** What must be so for it to hold; null: it always holds. */
              when: {
                above_input_tokens: number | null;
                traits: {
                  [key: string]: string;
                };
              } | null;
            }[];
            /** By how much the key's group multiplies the rates. */
            group_ratio: number;
            source: "strategy" | "table" | "free" | null;
          }[];
        }[];
      }
    >;
  };
  me: {
    /** What the key is, may do and has left: for its owner, whatever its kind. */
    get: Query<
      void,
      {
        key: {
          standing: {
            spent_today_usd: string | null;
            spent_this_month_usd: string | null;
            /** What requests and jobs that run hold: it counts against the budgets until they end. */
            reserved_usd: string | null;
            open_requests: number | null;
            open_jobs: number | null;
            daily_budget_left_usd: string | null;
            monthly_budget_left_usd: string | null;
            concurrent_requests_left: number | null;
            concurrent_jobs_left: number | null;
            requests_left_this_minute: number | null;
            tokens_left_this_minute: number | null;
            /** Milliseconds until the minute begins anew; 0: it has not begun. */
            requests_reset_ms: number;
            tokens_reset_ms: number;
          };
          key_id: string;
          account_id: string;
          name: string;
          kind: "user" | "server" | "api" | "cli";
          prefix: string;
          user_id: string | null;
          scopes: string[];
          allowed_models: string[];
          allowed_cidrs: string[];
          group: string | null;
          limits: {
            requests_per_minute: number | null;
            tokens_per_minute: number | null;
            concurrent_requests: number | null;
            concurrent_jobs: number | null;
            daily_budget_usd: string | null;
            monthly_budget_usd: string | null;
          };
          expires_time: string | null;
          revoked_time: string | null;
          created_time: string;
        };
        /** Group that decides channels and prices: the key's own, or its account's. */
        group: string;
        /** True: its account is an operator's, so that an administration key reaches the whole platform. */
        operator: boolean;
        account: {
          account_id: string;
          name: string;
          state: "suspended" | "active";
          balance_usd: string;
          /** What requests that run may use of the balance. */
          reserved_usd: string;
          credit_floor_usd: string;
          available_usd: string;
          limits: {
            requests_per_minute: number | null;
            tokens_per_minute: number | null;
            concurrent_requests: number | null;
            concurrent_jobs: number | null;
            daily_budget_usd: string | null;
            monthly_budget_usd: string | null;
          };
          standing: {
            spent_today_usd: string | null;
            spent_this_month_usd: string | null;
            /** What requests and jobs that run hold: it counts against the budgets until they end. */
            reserved_usd: string | null;
            open_requests: number | null;
            open_jobs: number | null;
            daily_budget_left_usd: string | null;
            monthly_budget_left_usd: string | null;
            concurrent_requests_left: number | null;
            concurrent_jobs_left: number | null;
            requests_left_this_minute: number | null;
            tokens_left_this_minute: number | null;
            /** Milliseconds until the minute begins anew; 0: it has not begun. */
            requests_reset_ms: number;
            tokens_reset_ms: number;
          };
        };
      }
    >;
    /**
     * Gives the key that calls a new secret; the old one works for the overlap. Limits, budgets, scopes and records stay with the key.
     * A repeat with the same `idempotency_key` gives the same secret for as long as the old one works.
     */
    rotate: Mutation<
      | {
          overlap_ms?: number | undefined;
          idempotency_key?: string | undefined;
        }
      | undefined,
      {
        secret: string;
        /** When the secrets before it have all ceased to work. */
        old_secrets_end_time: string | null;
        key_id: string;
        account_id: string;
        name: string;
        kind: "user" | "server" | "api" | "cli";
        prefix: string;
        user_id: string | null;
        scopes: string[];
        allowed_models: string[];
        allowed_cidrs: string[];
        group: string | null;
        limits: {
          requests_per_minute: number | null;
          tokens_per_minute: number | null;
          concurrent_requests: number | null;
          concurrent_jobs: number | null;
          daily_budget_usd: string | null;
          monthly_budget_usd: string | null;
        };
        expires_time: string | null;
        revoked_time: string | null;
        created_time: string;
      }
    >;
  };
  accounts: {
    /** Creates an account. The same name and content again answers the first. */
    create: Mutation<
      {
        name: string;
        group?: string | undefined;
        state?: "suspended" | "active" | undefined;
        credit_floor_usd?: string | undefined;
        disconnect_policy?: "drain" | "charge_delivered" | "refund" | undefined;
        store_response?: "full" | "truncated" | "none" | undefined;
        /** Whether history keeps what its requests say, for a retention of its own. */
        store_request?: boolean | undefined;
        limits?:
          | {
              requests_per_minute?: number | undefined;
              tokens_per_minute?: number | undefined;
              concurrent_requests?: number | undefined;
              concurrent_jobs?: number | undefined;
              daily_budget_usd?: string | undefined;
              monthly_budget_usd?: string | undefined;
            }
          | undefined;
        /** Whether its administration keys reach the whole platform. */
        operator?: boolean | undefined;
      },
      {
        account_id: string;
        name: string;
        group: string;
        state: "suspended" | "active";
        balance_usd: string;
        reserved_usd: string;
        credit_floor_usd: string;
        /** What a request may still cost: the balance down to the floor, without what others hold. */
        available_usd: string;
        disconnect_policy: "drain" | "charge_delivered" | "refund";
        store_response: "full" | "truncated" | "none";
        /** True: history keeps what its requests say. */
        store_request: boolean;
        limits: {
          requests_per_minute: number | null;
          tokens_per_minute: number | null;
          concurrent_requests: number | null;
          concurrent_jobs: number | null;
          daily_budget_usd: string | null;
          monthly_budget_usd: string | null;
        };
        /** True: its administration keys reach the whole platform. */
        operator: boolean;
        created_time: string;
      }
    >;
    /** Changes what is given; limits are replaced as a whole. */
    update: Mutation<
      {
        account_id: string;
        group?: string | undefined;
        state?: "suspended" | "active" | undefined;
        credit_floor_usd?: string | undefined;
        disconnect_policy?: "drain" | "charge_delivered" | "refund" | undefined;
        store_response?: "full" | "truncated" | "none" | undefined;
        /** Whether history keeps what its requests say, for a retention of its own. */
        store_request?: boolean | undefined;
        limits?:
          | {
              requests_per_minute?: number | undefined;
              tokens_per_minute?: number | undefined;
              concurrent_requests?: number | undefined;
              concurrent_jobs?: number | undefined;
              daily_budget_usd?: string | undefined;
              monthly_budget_usd?: string | undefined;
            }
          | undefined;
        /** Whether its administration keys reach the whole platform. */
        operator?: boolean | undefined;
        name?: string | undefined;
      },
      {
        account_id: string;
        name: string;
        group: string;
        state: "suspended" | "active";
        balance_usd: string;
        reserved_usd: string;
        credit_floor_usd: string;
        /** What a request may still cost: the balance down to the floor, without what others hold. */
        available_usd: string;
        disconnect_policy: "drain" | "charge_delivered" | "refund";
        store_response: "full" | "truncated" | "none";
        /** True: history keeps what its requests say. */
        store_request: boolean;
        limits: {
          requests_per_minute: number | null;
          tokens_per_minute: number | null;
          concurrent_requests: number | null;
          concurrent_jobs: number | null;
          daily_budget_usd: string | null;
          monthly_budget_usd: string | null;
        };
        /** True: its administration keys reach the whole platform. */
        operator: boolean;
        created_time: string;
      }
    >;
    /** Reads an account by its ID or its name. */
    get: Query<
      | {
          account_id: string;
        }
      | {
          name: string;
        },
      {
        account_id: string;
        name: string;
        group: string;
        state: "suspended" | "active";
        balance_usd: string;
        reserved_usd: string;
        credit_floor_usd: string;
        /** What a request may still cost: the balance down to the floor, without what others hold. */
        available_usd: string;
        disconnect_policy: "drain" | "charge_delivered" | "refund";
        store_response: "full" | "truncated" | "none";
        /** True: history keeps what its requests say. */
        store_request: boolean;
        limits: {
          requests_per_minute: number | null;
          tokens_per_minute: number | null;
          concurrent_requests: number | null;
          concurrent_jobs: number | null;
          daily_budget_usd: string | null;
          monthly_budget_usd: string | null;
        };
        /** True: its administration keys reach the whole platform. */
        operator: boolean;
        created_time: string;
      }
    >;
    /** Lists accounts by ID; to a tenant's key its own. */
    list: Query<
      | {
          after_account_id?: string | undefined;
          limit?: number | undefined;
        }
      | undefined,
      {
        accounts: {
          account_id: string;
          name: string;
          group: string;
          state: "suspended" | "active";
          balance_usd: string;
          reserved_usd: string;
          credit_floor_usd: string;
          /** What a request may still cost: the balance down to the floor, without what others hold. */
          available_usd: string;
          disconnect_policy: "drain" | "charge_delivered" | "refund";
          store_response: "full" | "truncated" | "none";
          /** True: history keeps what its requests say. */
          store_request: boolean;
          limits: {
            requests_per_minute: number | null;
            tokens_per_minute: number | null;
            concurrent_requests: number | null;
            concurrent_jobs: number | null;
            daily_budget_usd: string | null;
            monthly_budget_usd: string | null;
          };
          /** True: its administration keys reach the whole platform. */
          operator: boolean;
          created_time: string;
        }[];
        has_more: boolean;
      }
    >;
  };
  keys: {
    /** Creates a key. */
    create: Mutation<
      {
        account_id: string;
        scopes: string[];
        name?: string | undefined;
        kind?: "user" | "server" | "api" | "cli" | undefined;
        user_id?: string | undefined;
        allowed_models?: string[] | undefined;
        allowed_cidrs?: string[] | undefined;
        group?: string | undefined;
        limits?:
          | {
              requests_per_minute?: number | undefined;
              tokens_per_minute?: number | undefined;
              concurrent_requests?: number | undefined;
              concurrent_jobs?: number | undefined;
              daily_budget_usd?: string | undefined;
              monthly_budget_usd?: string | undefined;
            }
          | undefined;
        expires_time?: string | undefined;
      },
      {
        secret: string;
        key_id: string;
        account_id: string;
        name: string;
        kind: "user" | "server" | "api" | "cli";
        prefix: string;
        user_id: string | null;
        scopes: string[];
        allowed_models: string[];
        allowed_cidrs: string[];
        group: string | null;
        limits: {
          requests_per_minute: number | null;
          tokens_per_minute: number | null;
          concurrent_requests: number | null;
          concurrent_jobs: number | null;
          daily_budget_usd: string | null;
          monthly_budget_usd: string | null;
        };
        expires_time: string | null;
        revoked_time: string | null;
        created_time: string;
      }
    >;
    /** Changes what is given; lists and limits are replaced as a whole. `expires_time: null`: never. */
    update: Mutation<
      {
        key_id: string;
        name?: string | undefined;
        scopes?: string[] | undefined;
        allowed_models?: string[] | undefined;
        allowed_cidrs?: string[] | undefined;
        group?: string | undefined;
        limits?:
          | {
              requests_per_minute?: number | undefined;
              tokens_per_minute?: number | undefined;
              concurrent_requests?: number | undefined;
              concurrent_jobs?: number | undefined;
              daily_budget_usd?: string | undefined;
              monthly_budget_usd?: string | undefined;
            }
          | undefined;
        expires_time?: string | null | undefined;
      },
      {
        key_id: string;
        account_id: string;
        name: string;
        kind: "user" | "server" | "api" | "cli";
        prefix: string;
        user_id: string | null;
        scopes: string[];
        allowed_models: string[];
        allowed_cidrs: string[];
        group: string | null;
        limits: {
          requests_per_minute: number | null;
          tokens_per_minute: number | null;
          concurrent_requests: number | null;
          concurrent_jobs: number | null;
          daily_budget_usd: string | null;
          monthly_budget_usd: string | null;
        };
        expires_time: string | null;
        revoked_time: string | null;
        created_time: string;
      }
    >;
    /** Gives a key a new secret; the old one works for the overlap. */
    rotate: Mutation<
      {
        key_id: string;
        overlap_ms?: number | undefined;
      },
      {
        secret: string;
        /** When the secrets before it have all ceased to work. */
        old_secrets_end_time: string | null;
        key_id: string;
        account_id: string;
        name: string;
        kind: "user" | "server" | "api" | "cli";
        prefix: string;
        user_id: string | null;
        scopes: string[];
        allowed_models: string[];
        allowed_cidrs: string[];
        group: string | null;
        limits: {
          requests_per_minute: number | null;
          tokens_per_minute: number | null;
          concurrent_requests: number | null;
          concurrent_jobs: number | null;
          daily_budget_usd: string | null;
          monthly_budget_usd: string | null;
        };
        expires_time: string | null;
        revoked_time: string | null;
        created_time: string;
      }
    >;
    /** Revokes a key; a repeat is fine. */
    revoke: Mutation<
      {
        key_id: string;
      },
      {
        key_id: string;
        account_id: string;
        name: string;
        kind: "user" | "server" | "api" | "cli";
        prefix: string;
        user_id: string | null;
        scopes: string[];
        allowed_models: string[];
        allowed_cidrs: string[];
        group: string | null;
        limits: {
          requests_per_minute: number | null;
          tokens_per_minute: number | null;
          concurrent_requests: number | null;
          concurrent_jobs: number | null;
          daily_budget_usd: string | null;
          monthly_budget_usd: string | null;
        };
        expires_time: string | null;
        revoked_time: string | null;
        created_time: string;
      }
    >;
    /** Lists keys by ID, of one account or of all that are reached; `with_standing`: with what each has used and left of its limits. */
    list: Query<
      | {
          account_id?: string | undefined;
          after_key_id?: string | undefined;
          limit?: number | undefined;
          with_standing?: boolean | undefined;
        }
      | undefined,
      {
        keys: {
          standing: {
            spent_today_usd: string | null;
            spent_this_month_usd: string | null;
            /** What requests and jobs that run hold: it counts against the budgets until they end. */
            reserved_usd: string | null;
            open_requests: number | null;
            open_jobs: number | null;
            daily_budget_left_usd: string | null;
            monthly_budget_left_usd: string | null;
            concurrent_requests_left: number | null;
            concurrent_jobs_left: number | null;
            requests_left_this_minute: number | null;
            tokens_left_this_minute: number | null;
            /** Milliseconds until the minute begins anew; 0: it has not begun. */
            requests_reset_ms: number;
            tokens_reset_ms: number;
          } | null;
          key_id: string;
          account_id: string;
          name: string;
          kind: "user" | "server" | "api" | "cli";
          prefix: string;
          user_id: string | null;
          scopes: string[];
          allowed_models: string[];
          allowed_cidrs: string[];
          group: string | null;
          limits: {
            requests_per_minute: number | null;
            tokens_per_minute: number | null;
            concurrent_requests: number | null;
            concurrent_jobs: number | null;
            daily_budget_usd: string | null;
            monthly_budget_usd: string | null;
          };
          expires_time: string | null;
          revoked_time: string | null;
          created_time: string;
        }[];
        has_more: boolean;
      }
    >;
  };
  credits: {
    /** Adds credit that was bought or given. */
    add: Mutation<
      {
        amount_usd: string;
        account_id: string;
        /** Why; shown in the ledger. */
        reason: string;
        /** The same reference of an account is entered once. */
        reference?: string | undefined;
      },
      {
        entry: {
          entry_id: string;
          kind: "charge" | "release" | "topup" | "adjustment";
          account_id: string;
          amount_usd: string;
          reserved_usd: string;
          actor: string;
          reason: string;
          reference: string | null;
          request: {
            key_id: string;
            user_id: string | null;
            /** Whom the request named, or whose the key is. */
            end_user: string | null;
            tags: string[];
            module: "" | "chat" | "embeddings" | "rerank" | "moderation" | "audio" | "image" | "video";
            model: string;
            channel: string | null;
            platform: string | null;
            error_code:
              | "missing_required_field"
              | "invalid_value"
              | "model_not_supported"
              | "context_length_exceeded"
              | "content_filtered"
              | "invalid_api_key"
              | "expired_api_key"
              | "revoked_api_key"
              | "insufficient_quota"
              | "permission_denied"
              | "account_suspended"
              | "not_found"
              | "idempotency_conflict"
              | "request_too_large"
              | "idempotency_mismatch"
              | "rate_limit_exceeded"
              | "concurrent_limit_exceeded"
              | "client_closed_request"
              | "cancelled"
              | "internal_error"
              | "interrupted"
              | "not_implemented"
              | "upstream_error"
              | "upstream_outcome_unknown"
              | "service_unavailable"
              | "upstream_timeout"
              | "expired"
              | "upstream_overloaded"
              | null;
          } | null;
          usage: {
            input_tokens: number;
            cached_input_tokens: number;
            cache_write_tokens: number;
            output_tokens: number;
            reasoning_tokens: number;
            images: number;
            audio_ms: number;
            characters: number;
            estimated: boolean;
            quantities: Quantities;
            traits: {
              [key: string]: string;
            };
          } | null;
          /** What the same usage costs by the vendor's list; null: not known. */
          list_price_usd: string | null;
          /** The price list that it was charged by, before the group's ratio. */
          rates: readonly {
            unit:
              | "images"
              | "pages"
              | "input_tokens"
              | "cached_input_tokens"
              | "cache_write_tokens"
              | "output_tokens"
              | "reasoning_tokens"
              | "audio_ms"
              | "characters"
              | "requests"
              | "cache_write_1h_tokens"
              | "input_image_tokens"
              | "cached_input_image_tokens"
              | "output_image_tokens"
              | "input_audio_tokens"
              | "cached_input_audio_tokens"
              | "output_audio_tokens"
              | "input_video_tokens"
              | "output_video_tokens"
              | "input_images"
              | "input_kilopixels"
              | "input_audio_ms"
              | "output_audio_ms"
              | "input_video_ms"
              | "output_video_ms"
              | "searches"
              | "web_searches"
              | "tool_calls"
              | "sessions"
              | "vendor_nano_usd";
            /** USD for `per` of the unit. */
            usd: string;
            /** A million tokens, a thousand milliseconds, one piece ... */
            per: number;
            /** What must be so for it to hold; null: it always holds. */
            when: {
              above_input_tokens: number | null;
              traits: {
                [key: string]: string;
              };
            } | null;
          }[];
          created_time: string;
        };
        balance_usd: string;
      }
    >;
    /** Corrects the balance, upwards or downwards. */
    adjust: Mutation<
      {
        amount_usd: string;
        account_id: string;
        /** Why; shown in the ledger. */
        reason: string;
        /** The same reference of an account is entered once. */
        reference?: string | undefined;
      },
      {
        entry: {
          entry_id: string;
          kind: "charge" | "release" | "topup" | "adjustment";
          account_id: string;
          amount_usd: string;
          reserved_usd: string;
          actor: string;
          reason: string;
          reference: string | null;
          request: {
            key_id: string;
            user_id: string | null;
            /** Whom the request named, or whose the key is. */
            end_user: string | null;
            tags: string[];
            module: "" | "chat" | "embeddings" | "rerank" | "moderation" | "audio" | "image" | "video";
            model: string;
            channel: string | null;
            platform: string | null;
            error_code:
              | "missing_required_field"
              | "invalid_value"
              | "model_not_supported"
              | "context_length_exceeded"
              | "content_filtered"
              | "invalid_api_key"
              | "expired_api_key"
              | "revoked_api_key"
              | "insufficient_quota"
              | "permission_denied"
              | "account_suspended"
              | "not_found"
              | "idempotency_conflict"
              | "request_too_large"
              | "idempotency_mismatch"
              | "rate_limit_exceeded"
              | "concurrent_limit_exceeded"
              | "client_closed_request"
              | "cancelled"
              | "internal_error"
              | "interrupted"
              | "not_implemented"
              | "upstream_error"
              | "upstream_outcome_unknown"
              | "service_unavailable"
              | "upstream_timeout"
              | "expired"
              | "upstream_overloaded"
              | null;
          } | null;
          usage: {
            input_tokens: number;
            cached_input_tokens: number;
            cache_write_tokens: number;
            output_tokens: number;
            reasoning_tokens: number;
            images: number;
            audio_ms: number;
            characters: number;
            estimated: boolean;
            quantities: Quantities;
            traits: {
              [key: string]: string;
            };
          } | null;
          /** What the same usage costs by the vendor's list; null: not known. */
          list_price_usd: string | null;
          /** The price list that it was charged by, before the group's ratio. */
          rates: readonly {
            unit:
              | "images"
              | "pages"
              | "input_tokens"
              | "cached_input_tokens"
              | "cache_write_tokens"
              | "output_tokens"
              | "reasoning_tokens"
              | "audio_ms"
              | "characters"
              | "requests"
              | "cache_write_1h_tokens"
              | "input_image_tokens"
              | "cached_input_image_tokens"
              | "output_image_tokens"
              | "input_audio_tokens"
              | "cached_input_audio_tokens"
              | "output_audio_tokens"
              | "input_video_tokens"
              | "output_video_tokens"
              | "input_images"
              | "input_kilopixels"
              | "input_audio_ms"
              | "output_audio_ms"
              | "input_video_ms"
              | "output_video_ms"
              | "searches"
              | "web_searches"
              | "tool_calls"
              | "sessions"
              | "vendor_nano_usd";
            /** USD for `per` of the unit. */
            usd: string;
            /** A million tokens, a thousand milliseconds, one piece ... */
            per: number;
            /** What must be so for it to hold; null: it always holds. */
            when: {
              above_input_tokens: number | null;
              traits: {
                [key: string]: string;
              };
            } | null;
          }[];
          created_time: string;
        };
        balance_usd: string;
      }
    >;
  };
  ledger: {
    /** Entries, newest first: of one account or of all, or those of one request. */
    list: Query<
      | {
          account_id?: string | undefined;
          request_id?: string | undefined;
          cursor?: string | undefined;
          direction?: "forward" | undefined;
          limit?: number | undefined;
        }
      | undefined,
      {
        entries: {
          entry_id: string;
          kind: "charge" | "release" | "topup" | "adjustment";
          account_id: string;
          amount_usd: string;
          reserved_usd: string;
          actor: string;
          reason: string;
          reference: string | null;
          request: {
            key_id: string;
            user_id: string | null;
            /** Whom the request named, or whose the key is. */
            end_user: string | null;
            tags: string[];
            module: "" | "chat" | "embeddings" | "rerank" | "moderation" | "audio" | "image" | "video";
            model: string;
            channel: string | null;
            platform: string | null;
            error_code:
              | "missing_required_field"
              | "invalid_value"
              | "model_not_supported"
              | "context_length_exceeded"
              | "content_filtered"
              | "invalid_api_key"
              | "expired_api_key"
              | "revoked_api_key"
              | "insufficient_quota"
              | "permission_denied"
              | "account_suspended"
              | "not_found"
              | "idempotency_conflict"
              | "request_too_large"
              | "idempotency_mismatch"
              | "rate_limit_exceeded"
              | "concurrent_limit_exceeded"
              | "client_closed_request"
              | "cancelled"
              | "internal_error"
              | "interrupted"
              | "not_implemented"
              | "upstream_error"
              | "upstream_outcome_unknown"
              | "service_unavailable"
              | "upstream_timeout"
              | "expired"
              | "upstream_overloaded"
              | null;
          } | null;
          usage: {
            input_tokens: number;
            cached_input_tokens: number;
            cache_write_tokens: number;
            output_tokens: number;
            reasoning_tokens: number;
            images: number;
            audio_ms: number;
            characters: number;
            estimated: boolean;
            quantities: Quantities;
            traits: {
              [key: string]: string;
            };
          } | null;
          /** What the same usage costs by the vendor's list; null: not known. */
          list_price_usd: string | null;
          /** The price list that it was charged by, before the group's ratio. */
          rates: readonly {
            unit:
              | "images"
              | "pages"
              | "input_tokens"
              | "cached_input_tokens"
              | "cache_write_tokens"
              | "output_tokens"
              | "reasoning_tokens"
              | "audio_ms"
              | "characters"
              | "requests"
              | "cache_write_1h_tokens"
              | "input_image_tokens"
              | "cached_input_image_tokens"
              | "output_image_tokens"
              | "input_audio_tokens"
              | "cached_input_audio_tokens"
              | "output_audio_tokens"
              | "input_video_tokens"
              | "output_video_tokens"
              | "input_images"
              | "input_kilopixels"
              | "input_audio_ms"
              | "output_audio_ms"
              | "input_video_ms"
              | "output_video_ms"
              | "searches"
              | "web_searches"
              | "tool_calls"
              | "sessions"
              | "vendor_nano_usd";
            /** USD for `per` of the unit. */
            usd: string;
            /** A million tokens, a thousand milliseconds, one piece ... */
            per: number;
            /** What must be so for it to hold; null: it always holds. */
            when: {
              above_input_tokens: number | null;
              traits: {
                [key: string]: string;
              };
            } | null;
          }[];
          created_time: string;
        }[];
        next_cursor: string | null;
      }
    >;
    /** Verifies the ledger's invariants on the live database. */
    audit: Query<
      void,
      {
        sound: boolean;
        checks: {
          name: string;
          checked: number;
          offending: string[];
        }[];
      }
    >;
  };
  usage: {
    /**
     * What was charged, from the ledger, beside what it costs by the vendors' lists. By tag a request counts in the sum of each of its
     * tags. An answer is a page of names, those with the largest charge over the whole time first, each with all of its sums; it ends
     * earlier than `limit` says where it would have more than 1,500 sums.
     */
    sum: Query<
      {
        from: string;
        to: string;
        account_id?: string | undefined;
        by?: "module" | "model" | "user" | "group" | "key" | "account" | "day" | "channel" | "tag" | undefined;
        /** A sum for each hour, day or month; absent: of the whole time. */
        step?: "day" | "hour" | "month" | undefined;
        /** Names of a page; absent: 1,000. Not by day, of which all are in one answer. */
        limit?: number | undefined;
        /** `next_cursor` of the page before. */
        cursor?: string | undefined;
        direction?: "forward" | undefined;
      },
      {
        sums: {
          name: string;
          /** What people call the key or the account; null: the name says it. */
          title: string | null;
          /** True: the sum of all end users or tags beyond those that are told apart. */
          other: boolean;
          /** When its stretch of time begins; null: it is the whole time. */
          time: string | null;
          requests: number;
          charged_usd: string;
          /** What those requests whose list price is known cost by the vendors' lists. */
          list_price_usd: string | null;
          listed_requests: number;
          /** What was charged for these, less their list price. */
          margin_usd: string | null;
          usage: {
            input_tokens: number;
            cached_input_tokens: number;
            cache_write_tokens: number;
            output_tokens: number;
            reasoning_tokens: number;
            images: number;
            audio_ms: number;
            characters: number;
            estimated: boolean;
            quantities: Quantities;
            traits: {
              [key: string]: string;
            };
          } | null;
        }[];
        next_cursor: string | null;
        /** What all names after the page come to; null: there are none. */
        rest: {
          names: number;
          requests: number;
          charged_usd: string;
        } | null;
      }
    >;
    /**
     * Requests, errors, tokens, cost and latency over time, from the records of requests that have ended, by their arrival. By tag a
     * request counts with each of its tags. An answer by or of end users, tags and users, or by the minute, may be a page; `next_cursor` goes on
     * behind it. By end user or tag it may end within a step: each of its points comes whole, and once.
     */
    timeseries: Query<
      {
        from: string;
        to: string;
        step?: "day" | "hour" | "minute" | undefined;
        group_by?: "module" | "model" | "user" | "key" | "channel" | "tag" | "status" | undefined;
        /** `next_cursor` of the page before. */
        cursor?: string | undefined;
        direction?: "forward" | undefined;
        filter?:
          | {
              module?: "chat" | "embeddings" | "rerank" | "moderation" | "audio" | "image" | "video" | undefined;
              model?: string | undefined;
              /** For administration keys: only this account's. */
              account_id?: string | undefined;
              key_id?: string | undefined;
              /** Whose records: a user's own key's, or a back end's that named the user. */
              user_id?: string | undefined;
              statuses?: ("failed" | "pending" | "queueing" | "processing" | "succeeded")[] | undefined;
              channel?: string | undefined;
              tag?: string | undefined;
              /** For whom it was, whatever key named the end user. */
              end_user?: string | undefined;
              /** Trace ID: the request's own, or that of its client's traceparent. */
              trace_id?: string | undefined;
              error_code?:
                | "missing_required_field"
                | "invalid_value"
                | "model_not_supported"
                | "context_length_exceeded"
                | "content_filtered"
                | "invalid_api_key"
                | "expired_api_key"
                | "revoked_api_key"
                | "insufficient_quota"
                | "permission_denied"
                | "account_suspended"
                | "not_found"
                | "idempotency_conflict"
                | "request_too_large"
                | "idempotency_mismatch"
                | "rate_limit_exceeded"
                | "concurrent_limit_exceeded"
                | "client_closed_request"
                | "cancelled"
                | "internal_error"
                | "interrupted"
                | "not_implemented"
                | "upstream_error"
                | "upstream_outcome_unknown"
                | "service_unavailable"
                | "upstream_timeout"
                | "expired"
                | "upstream_overloaded"
                | undefined;
            }
          | undefined;
      },
      {
        points: {
          time: string;
          /** Null: not grouped, or without a model, end user or tag. */
          group: string | null;
          /** True: all end users or tags beyond those that are told apart. */
          other: boolean;
          requests: number;
          errors: number;
          input_tokens: number;
          output_tokens: number;
          billed_usd: string;
          p50_ms: number;
          p99_ms: number;
        }[];
        /** null: this is the last page. */
        next_cursor: string | null;
      }
    >;
  };
  requests: {
    /** Records by cursor, newest first unless `ascending`. A page may be short: the end is where `next_cursor` is null. */
    list: Query<
      | {
          filter?:
            | {
                /** For administration keys: only this account's. */
                account_id?: string | undefined;
                statuses?: ("failed" | "pending" | "queueing" | "processing" | "succeeded")[] | undefined;
                module?: "chat" | "embeddings" | "rerank" | "moderation" | "audio" | "image" | "video" | undefined;
                model?: string | undefined;
                channel?: string | undefined;
                key_id?: string | undefined;
                /** Whose records: a user's own key's, or a back end's that named the user. */
                user_id?: string | undefined;
                /** For whom it was, whatever key named the end user. */
                end_user?: string | undefined;
                tag?: string | undefined;
                /** Trace ID: the request's own, or that of its client's traceparent. */
                trace_id?: string | undefined;
                error_code?:
                  | "missing_required_field"
                  | "invalid_value"
                  | "model_not_supported"
                  | "context_length_exceeded"
                  | "content_filtered"
                  | "invalid_api_key"
                  | "expired_api_key"
                  | "revoked_api_key"
                  | "insufficient_quota"
                  | "permission_denied"
                  | "account_suspended"
                  | "not_found"
                  | "idempotency_conflict"
                  | "request_too_large"
                  | "idempotency_mismatch"
                  | "rate_limit_exceeded"
                  | "concurrent_limit_exceeded"
                  | "client_closed_request"
                  | "cancelled"
                  | "internal_error"
                  | "interrupted"
                  | "not_implemented"
                  | "upstream_error"
                  | "upstream_outcome_unknown"
                  | "service_unavailable"
                  | "upstream_timeout"
                  | "expired"
                  | "upstream_overloaded"
                  | undefined;
                from?: string | undefined;
                to?: string | undefined;
                /** Start of the ID's decimal spelling, or a whole ID in either. */
                id_text?: string | undefined;
              }
            | undefined;
          cursor?: string | undefined;
          direction?: "forward" | undefined;
          limit?: number | undefined;
          ascending?: boolean | undefined;
          with_payload?: boolean | undefined;
        }
      | undefined,
      {
        requests: {
          id: string;
          status: "failed" | "pending" | "queueing" | "processing" | "succeeded";
          module: "" | "chat" | "embeddings" | "rerank" | "moderation" | "audio" | "image" | "video";
          dialect: string;
          stream: boolean;
          model: string | null;
          requested_model: string;
          platform: string | null;
          channel: string | null;
          strategy: string | null;
          account_id: string;
          key_id: string;
          user_id: string | null;
          /** For whom it was: whose the key is, or whom the request names. */
          end_user: string | null;
          tags: string[];
          http_status: number | null;
          error: {
            type:
              | "insufficient_quota"
              | "request_too_large"
              | "invalid_request_error"
              | "authentication_error"
              | "permission_error"
              | "not_found_error"
              | "rate_limit_error"
              | "api_error"
              | "overloaded_error";
            code:
              | "missing_required_field"
              | "invalid_value"
              | "model_not_supported"
              | "context_length_exceeded"
              | "content_filtered"
              | "invalid_api_key"
              | "expired_api_key"
              | "revoked_api_key"
              | "insufficient_quota"
              | "permission_denied"
              | "account_suspended"
              | "not_found"
              | "idempotency_conflict"
              | "request_too_large"
              | "idempotency_mismatch"
              | "rate_limit_exceeded"
              | "concurrent_limit_exceeded"
              | "client_closed_request"
              | "cancelled"
              | "internal_error"
              | "interrupted"
              | "not_implemented"
              | "upstream_error"
              | "upstream_outcome_unknown"
              | "service_unavailable"
              | "upstream_timeout"
              | "expired"
              | "upstream_overloaded";
            message: string;
          } | null;
          created_time: string;
          updated_time: string;
          duration_ms: number;
          first_byte_ms: number | null;
          usage: {
            input_tokens: number;
            cached_input_tokens: number;
            cache_write_tokens: number;
            output_tokens: number;
            reasoning_tokens: number;
            images: number;
            audio_ms: number;
            characters: number;
            estimated: boolean;
            quantities: Quantities;
            traits: {
              [key: string]: string;
            };
          } | null;
          billing: {
            reserved_usd: string;
            billed_usd: string;
            reason: string | null;
            policy: "drain" | "charge_delivered" | "refund";
            price_source: "strategy" | "table" | "free" | null;
            /** The price list that it was charged by, before the group's ratio. */
            rates: readonly {
              unit:
                | "images"
                | "pages"
                | "input_tokens"
                | "cached_input_tokens"
                | "cache_write_tokens"
                | "output_tokens"
                | "reasoning_tokens"
                | "audio_ms"
                | "characters"
                | "requests"
                | "cache_write_1h_tokens"
                | "input_image_tokens"
                | "cached_input_image_tokens"
                | "output_image_tokens"
                | "input_audio_tokens"
                | "cached_input_audio_tokens"
                | "output_audio_tokens"
                | "input_video_tokens"
                | "output_video_tokens"
                | "input_images"
                | "input_kilopixels"
                | "input_audio_ms"
                | "output_audio_ms"
                | "input_video_ms"
                | "output_video_ms"
                | "searches"
                | "web_searches"
                | "tool_calls"
                | "sessions"
                | "vendor_nano_usd";
              /** USD for `per` of the unit. */
              usd: string;
              /** A million tokens, a thousand milliseconds, one piece ... */
              per: number;
              /** What must be so for it to hold; null: it always holds. */
              when: {
                above_input_tokens: number | null;
                traits: {
                  [key: string]: string;
                };
              } | null;
            }[];
            group_ratio: number | null;
          };
          reconstructed: boolean;
          repaired: boolean;
          payload_expired: boolean;
        }[];
        /** With `with_payload`: the same requests with all that is kept of them; otherwise empty. */
        details: {
          response: string;
          response_truncated: boolean;
          custom_response: object | null;
          billing: {
            lines: {
              unit:
                | "images"
                | "pages"
                | "input_tokens"
                | "cached_input_tokens"
                | "cache_write_tokens"
                | "output_tokens"
                | "reasoning_tokens"
                | "audio_ms"
                | "characters"
                | "requests"
                | "cache_write_1h_tokens"
                | "input_image_tokens"
                | "cached_input_image_tokens"
                | "output_image_tokens"
                | "input_audio_tokens"
                | "cached_input_audio_tokens"
                | "output_audio_tokens"
                | "input_video_tokens"
                | "output_video_tokens"
                | "input_images"
                | "input_kilopixels"
                | "input_audio_ms"
                | "output_audio_ms"
                | "input_video_ms"
                | "output_video_ms"
                | "searches"
                | "web_searches"
                | "tool_calls"
                | "sessions"
                | "vendor_nano_usd";
              amount: number;
              /** Price that held, in US dollars for `per` of the unit. */
              price_usd: string;
              per: number;
              /** Amount times price, exact: up to 18 decimals. */
              cost_usd: string;
            }[];
            /** Exact sum of the lines; null: there are none. */
            sum_usd: string | null;
            /** What the same usage costs by the vendor's list; null: not known. */
            list_price_usd: string | null;
            reserved_usd: string;
            billed_usd: string;
            reason: string | null;
            policy: "drain" | "charge_delivered" | "refund";
            price_source: "strategy" | "table" | "free" | null;
            /** The price list that it was charged by, before the group's ratio. */
            rates: readonly {
              unit:
                | "images"
                | "pages"
                | "input_tokens"
                | "cached_input_tokens"
                | "cache_write_tokens"
                | "output_tokens"
                | "reasoning_tokens"
                | "audio_ms"
                | "characters"
                | "requests"
                | "cache_write_1h_tokens"
                | "input_image_tokens"
                | "cached_input_image_tokens"
                | "output_image_tokens"
                | "input_audio_tokens"
                | "cached_input_audio_tokens"
                | "output_audio_tokens"
                | "input_video_tokens"
                | "output_video_tokens"
                | "input_images"
                | "input_kilopixels"
                | "input_audio_ms"
                | "output_audio_ms"
                | "input_video_ms"
                | "output_video_ms"
                | "searches"
                | "web_searches"
                | "tool_calls"
                | "sessions"
                | "vendor_nano_usd";
              /** USD for `per` of the unit. */
              usd: string;
              /** A million tokens, a thousand milliseconds, one piece ... */
              per: number;
              /** What must be so for it to hold; null: it always holds. */
              when: {
                above_input_tokens: number | null;
                traits: {
                  [key: string]: string;
                };
              } | null;
            }[];
            group_ratio: number | null;
          };
          response_model: string | null;
          message_id: string | null;
          upstream_request_id: string | null;
          client_request_id: string | null;
          finish_reason: string | null;
          origin: {
            path: string | null;
            user_agent: string | null;
            address: string | null;
            request_bytes: number | null;
            idempotency_key: string | null;
            /** Trace ID of the client's traceparent, where the request has another one. */
            client_trace_id: string | null;
            /** The client's x-client-request-id, where it sent an x-request-id as well. */
            second_client_request_id: string | null;
          } | null;
          metadata: {
            [key: string]: unknown;
          } | null;
          route: {
            channel: string;
            chosen: boolean;
            reason: string;
          }[];
          attempts: {
            id: string;
            channel: string;
            platform: string;
            upstream_model: string;
            upstream_request_id: string | null;
            http_status: number | null;
            error: {
              code:
                | "missing_required_field"
                | "invalid_value"
                | "model_not_supported"
                | "context_length_exceeded"
                | "content_filtered"
                | "invalid_api_key"
                | "expired_api_key"
                | "revoked_api_key"
                | "insufficient_quota"
                | "permission_denied"
                | "account_suspended"
                | "not_found"
                | "idempotency_conflict"
                | "request_too_large"
                | "idempotency_mismatch"
                | "rate_limit_exceeded"
                | "concurrent_limit_exceeded"
                | "client_closed_request"
                | "cancelled"
                | "internal_error"
                | "interrupted"
                | "not_implemented"
                | "upstream_error"
                | "upstream_outcome_unknown"
                | "service_unavailable"
                | "upstream_timeout"
                | "expired"
                | "upstream_overloaded";
              message: string;
            } | null;
            fault: {
              kind: string;
              code: string | null;
            } | null;
            resent: boolean;
            start_ms: number;
            head_ms: number | null;
            end_ms: number;
          }[];
          timeline: {
            name: string;
            at_ms: number;
          }[];
          trace: {
            id: string;
            sampled: boolean;
            url: string | null;
          };
          notes: string[];
          id: string;
          status: "failed" | "pending" | "queueing" | "processing" | "succeeded";
          module: "" | "chat" | "embeddings" | "rerank" | "moderation" | "audio" | "image" | "video";
          dialect: string;
          stream: boolean;
          model: string | null;
          requested_model: string;
          platform: string | null;
          channel: string | null;
          strategy: string | null;
          account_id: string;
          key_id: string;
          user_id: string | null;
          /** For whom it was: whose the key is, or whom the request names. */
          end_user: string | null;
          tags: string[];
          http_status: number | null;
          error: {
            type:
              | "insufficient_quota"
              | "request_too_large"
              | "invalid_request_error"
              | "authentication_error"
              | "permission_error"
              | "not_found_error"
              | "rate_limit_error"
              | "api_error"
              | "overloaded_error";
            code:
              | "missing_required_field"
              | "invalid_value"
              | "model_not_supported"
              | "context_length_exceeded"
              | "content_filtered"
              | "invalid_api_key"
              | "expired_api_key"
              | "revoked_api_key"
              | "insufficient_quota"
              | "permission_denied"
              | "account_suspended"
              | "not_found"
              | "idempotency_conflict"
              | "request_too_large"
              | "idempotency_mismatch"
              | "rate_limit_exceeded"
              | "concurrent_limit_exceeded"
              | "client_closed_request"
              | "cancelled"
              | "internal_error"
              | "interrupted"
              | "not_implemented"
              | "upstream_error"
              | "upstream_outcome_unknown"
              | "service_unavailable"
              | "upstream_timeout"
              | "expired"
              | "upstream_overloaded";
            message: string;
          } | null;
          created_time: string;
          updated_time: string;
          duration_ms: number;
          first_byte_ms: number | null;
          usage: {
            input_tokens: number;
            cached_input_tokens: number;
            cache_write_tokens: number;
            output_tokens: number;
            reasoning_tokens: number;
            images: number;
            audio_ms: number;
            characters: number;
            estimated: boolean;
            quantities: Quantities;
            traits: {
              [key: string]: string;
            };
          } | null;
          reconstructed: boolean;
          repaired: boolean;
          payload_expired: boolean;
          object: string;
        }[];
        next_cursor: string | null;
      }
    >;
    /**
     * Requests that have ended with all that is kept of them, in the order in which their ends were stored. `next_cursor` goes
     * on there now or at any time later: what ended in between is behind it, however long it ran.
     */
    export: Query<
      | {
          filter?:
            | {
                /** For administration keys: only this account's. */
                account_id?: string | undefined;
                statuses?: ("failed" | "pending" | "queueing" | "processing" | "succeeded")[] | undefined;
                module?: "chat" | "embeddings" | "rerank" | "moderation" | "audio" | "image" | "video" | undefined;
                model?: string | undefined;
                channel?: string | undefined;
                key_id?: string | undefined;
                /** Whose records: a user's own key's, or a back end's that named the user. */
                user_id?: string | undefined;
                /** For whom it was, whatever key named the end user. */
                end_user?: string | undefined;
                tag?: string | undefined;
                /** Trace ID: the request's own, or that of its client's traceparent. */
                trace_id?: string | undefined;
                error_code?:
                  | "missing_required_field"
                  | "invalid_value"
                  | "model_not_supported"
                  | "context_length_exceeded"
                  | "content_filtered"
                  | "invalid_api_key"
                  | "expired_api_key"
                  | "revoked_api_key"
                  | "insufficient_quota"
                  | "permission_denied"
                  | "account_suspended"
                  | "not_found"
                  | "idempotency_conflict"
                  | "request_too_large"
                  | "idempotency_mismatch"
                  | "rate_limit_exceeded"
                  | "concurrent_limit_exceeded"
                  | "client_closed_request"
                  | "cancelled"
                  | "internal_error"
                  | "interrupted"
                  | "not_implemented"
                  | "upstream_error"
                  | "upstream_outcome_unknown"
                  | "service_unavailable"
                  | "upstream_timeout"
                  | "expired"
                  | "upstream_overloaded"
                  | undefined;
                from?: string | undefined;
                to?: string | undefined;
                /** Start of the ID's decimal spelling, or a whole ID in either. */
                id_text?: string | undefined;
              }
            | undefined;
          cursor?: string | undefined;
          direction?: "forward" | undefined;
          limit?: number | undefined;
        }
      | undefined,
      {
        requests: {
          response: string;
          response_truncated: boolean;
          custom_response: object | null;
          billing: {
            lines: {
              unit:
                | "images"
                | "pages"
                | "input_tokens"
                | "cached_input_tokens"
                | "cache_write_tokens"
                | "output_tokens"
                | "reasoning_tokens"
                | "audio_ms"
                | "characters"
                | "requests"
                | "cache_write_1h_tokens"
                | "input_image_tokens"
                | "cached_input_image_tokens"
                | "output_image_tokens"
                | "input_audio_tokens"
                | "cached_input_audio_tokens"
                | "output_audio_tokens"
                | "input_video_tokens"
                | "output_video_tokens"
                | "input_images"
                | "input_kilopixels"
                | "input_audio_ms"
                | "output_audio_ms"
                | "input_video_ms"
                | "output_video_ms"
                | "searches"
                | "web_searches"
                | "tool_calls"
                | "sessions"
                | "vendor_nano_usd";
              amount: number;
              /** Price that held, in US dollars for `per` of the unit. */
              price_usd: string;
              per: number;
              /** Amount times price, exact: up to 18 decimals. */
              cost_usd: string;
            }[];
            /** Exact sum of the lines; null: there are none. */
            sum_usd: string | null;
            /** What the same usage costs by the vendor's list; null: not known. */
            list_price_usd: string | null;
            reserved_usd: string;
            billed_usd: string;
            reason: string | null;
            policy: "drain" | "charge_delivered" | "refund";
            price_source: "strategy" | "table" | "free" | null;
            /** The price list that it was charged by, before the group's ratio. */
            rates: readonly {
              unit:
                | "images"
                | "pages"
                | "input_tokens"
                | "cached_input_tokens"
                | "cache_write_tokens"
                | "output_tokens"
                | "reasoning_tokens"
                | "audio_ms"
                | "characters"
                | "requests"
                | "cache_write_1h_tokens"
                | "input_image_tokens"
                | "cached_input_image_tokens"
                | "output_image_tokens"
                | "input_audio_tokens"
                | "cached_input_audio_tokens"
                | "output_audio_tokens"
                | "input_video_tokens"
                | "output_video_tokens"
                | "input_images"
                | "input_kilopixels"
                | "input_audio_ms"
                | "output_audio_ms"
                | "input_video_ms"
                | "output_video_ms"
                | "searches"
                | "web_searches"
                | "tool_calls"
                | "sessions"
                | "vendor_nano_usd";
              /** USD for `per` of the unit. */
              usd: string;
              /** A million tokens, a thousand milliseconds, one piece ... */
              per: number;
              /** What must be so for it to hold; null: it always holds. */
              when: {
                above_input_tokens: number | null;
                traits: {
                  [key: string]: string;
                };
              } | null;
            }[];
            group_ratio: number | null;
          };
          response_model: string | null;
          message_id: string | null;
          upstream_request_id: string | null;
          client_request_id: string | null;
          finish_reason: string | null;
          origin: {
            path: string | null;
            user_agent: string | null;
            address: string | null;
            request_bytes: number | null;
            idempotency_key: string | null;
            /** Trace ID of the client's traceparent, where the request has another one. */
            client_trace_id: string | null;
            /** The client's x-client-request-id, where it sent an x-request-id as well. */
            second_client_request_id: string | null;
          } | null;
          metadata: {
            [key: string]: unknown;
          } | null;
          route: {
            channel: string;
            chosen: boolean;
            reason: string;
          }[];
          attempts: {
            id: string;
            channel: string;
            platform: string;
            upstream_model: string;
            upstream_request_id: string | null;
            http_status: number | null;
            error: {
              code:
                | "missing_required_field"
                | "invalid_value"
                | "model_not_supported"
                | "context_length_exceeded"
                | "content_filtered"
                | "invalid_api_key"
                | "expired_api_key"
                | "revoked_api_key"
                | "insufficient_quota"
                | "permission_denied"
                | "account_suspended"
                | "not_found"
                | "idempotency_conflict"
                | "request_too_large"
                | "idempotency_mismatch"
                | "rate_limit_exceeded"
                | "concurrent_limit_exceeded"
                | "client_closed_request"
                | "cancelled"
                | "internal_error"
                | "interrupted"
                | "not_implemented"
                | "upstream_error"
                | "upstream_outcome_unknown"
                | "service_unavailable"
                | "upstream_timeout"
                | "expired"
                | "upstream_overloaded";
              message: string;
            } | null;
            fault: {
              kind: string;
              code: string | null;
            } | null;
            resent: boolean;
            start_ms: number;
            head_ms: number | null;
            end_ms: number;
          }[];
          timeline: {
            name: string;
            at_ms: number;
          }[];
          trace: {
            id: string;
            sampled: boolean;
            url: string | null;
          };
          notes: string[];
          id: string;
          status: "failed" | "pending" | "queueing" | "processing" | "succeeded";
          module: "" | "chat" | "embeddings" | "rerank" | "moderation" | "audio" | "image" | "video";
          dialect: string;
          stream: boolean;
          model: string | null;
          requested_model: string;
          platform: string | null;
          channel: string | null;
          strategy: string | null;
          account_id: string;
          key_id: string;
          user_id: string | null;
          /** For whom it was: whose the key is, or whom the request names. */
          end_user: string | null;
          tags: string[];
          http_status: number | null;
          error: {
            type:
              | "insufficient_quota"
              | "request_too_large"
              | "invalid_request_error"
              | "authentication_error"
              | "permission_error"
              | "not_found_error"
              | "rate_limit_error"
              | "api_error"
              | "overloaded_error";
            code:
              | "missing_required_field"
              | "invalid_value"
              | "model_not_supported"
              | "context_length_exceeded"
              | "content_filtered"
              | "invalid_api_key"
              | "expired_api_key"
              | "revoked_api_key"
              | "insufficient_quota"
              | "permission_denied"
              | "account_suspended"
              | "not_found"
              | "idempotency_conflict"
              | "request_too_large"
              | "idempotency_mismatch"
              | "rate_limit_exceeded"
              | "concurrent_limit_exceeded"
              | "client_closed_request"
              | "cancelled"
              | "internal_error"
              | "interrupted"
              | "not_implemented"
              | "upstream_error"
              | "upstream_outcome_unknown"
              | "service_unavailable"
              | "upstream_timeout"
              | "expired"
              | "upstream_overloaded";
            message: string;
          } | null;
          created_time: string;
          updated_time: string;
          duration_ms: number;
          first_byte_ms: number | null;
          usage: {
            input_tokens: number;
            cached_input_tokens: number;
            cache_write_tokens: number;
            output_tokens: number;
            reasoning_tokens: number;
            images: number;
            audio_ms: number;
            characters: number;
            estimated: boolean;
            quantities: Quantities;
            traits: {
              [key: string]: string;
            };
          } | null;
          reconstructed: boolean;
          repaired: boolean;
          payload_expired: boolean;
          object: string;
        }[];
        next_cursor: string;
        /** True: there is more already; a page may be short or empty all the same. */
        more: boolean;
      }
    >;
    /**
     * The requests that any ID leads to, newest first. `on_its_way`: none yet, and one that the platform may have issued a moment ago may
     * still come.
     */
    find: Query<
      {
        id: string;
        account_id?: string | undefined;
      },
      {
        /** null: it leads to none. */
        request: {
          id: string;
          status: "failed" | "pending" | "queueing" | "processing" | "succeeded";
          module: "" | "chat" | "embeddings" | "rerank" | "moderation" | "audio" | "image" | "video";
          dialect: string;
          stream: boolean;
          model: string | null;
          requested_model: string;
          platform: string | null;
          channel: string | null;
          strategy: string | null;
          account_id: string;
          key_id: string;
          user_id: string | null;
          /** For whom it was: whose the key is, or whom the request names. */
          end_user: string | null;
          tags: string[];
          http_status: number | null;
          error: {
            type:
              | "insufficient_quota"
              | "request_too_large"
              | "invalid_request_error"
              | "authentication_error"
              | "permission_error"
              | "not_found_error"
              | "rate_limit_error"
              | "api_error"
              | "overloaded_error";
            code:
              | "missing_required_field"
              | "invalid_value"
              | "model_not_supported"
              | "context_length_exceeded"
              | "content_filtered"
              | "invalid_api_key"
              | "expired_api_key"
              | "revoked_api_key"
              | "insufficient_quota"
              | "permission_denied"
              | "account_suspended"
              | "not_found"
              | "idempotency_conflict"
              | "request_too_large"
              | "idempotency_mismatch"
              | "rate_limit_exceeded"
              | "concurrent_limit_exceeded"
              | "client_closed_request"
              | "cancelled"
              | "internal_error"
              | "interrupted"
              | "not_implemented"
              | "upstream_error"
              | "upstream_outcome_unknown"
              | "service_unavailable"
              | "upstream_timeout"
              | "expired"
              | "upstream_overloaded";
            message: string;
          } | null;
          created_time: string;
          updated_time: string;
          duration_ms: number;
          first_byte_ms: number | null;
          usage: {
            input_tokens: number;
            cached_input_tokens: number;
            cache_write_tokens: number;
            output_tokens: number;
            reasoning_tokens: number;
            images: number;
            audio_ms: number;
            characters: number;
            estimated: boolean;
            quantities: Quantities;
            traits: {
              [key: string]: string;
            };
          } | null;
          billing: {
            reserved_usd: string;
            billed_usd: string;
            reason: string | null;
            policy: "drain" | "charge_delivered" | "refund";
            price_source: "strategy" | "table" | "free" | null;
            /** The price list that it was charged by, before the group's ratio. */
            rates: readonly {
              unit:
                | "images"
                | "pages"
                | "input_tokens"
                | "cached_input_tokens"
                | "cache_write_tokens"
                | "output_tokens"
                | "reasoning_tokens"
                | "audio_ms"
                | "characters"
                | "requests"
                | "cache_write_1h_tokens"
                | "input_image_tokens"
                | "cached_input_image_tokens"
                | "output_image_tokens"
                | "input_audio_tokens"
                | "cached_input_audio_tokens"
                | "output_audio_tokens"
                | "input_video_tokens"
                | "output_video_tokens"
                | "input_images"
                | "input_kilopixels"
                | "input_audio_ms"
                | "output_audio_ms"
                | "input_video_ms"
                | "output_video_ms"
                | "searches"
                | "web_searches"
                | "tool_calls"
                | "sessions"
                | "vendor_nano_usd";
              /** USD for `per` of the unit. */
              usd: string;
              /** A million tokens, a thousand milliseconds, one piece ... */
              per: number;
              /** What must be so for it to hold; null: it always holds. */
              when: {
                above_input_tokens: number | null;
                traits: {
                  [key: string]: string;
                };
              } | null;
            }[];
            group_ratio: number | null;
          };
          reconstructed: boolean;
          repaired: boolean;
          payload_expired: boolean;
        } | null;
        /** IDs of the others. */
        others: string[];
        on_its_way: boolean;
        retry_after_ms: number | null;
        /** What IDs look like, where it leads nowhere. */
        hint: string | null;
      }
    >;
    /** The life of one request and its answer, by any of its IDs; of several the newest. */
    get: Query<
      {
        id: string;
        account_id?: string | undefined;
      },
      {
        /** What it said, a JSON text; null: its account keeps none, or it is kept no longer. */
        request: string | null;
        request_truncated: boolean;
        /** null: it has no job that is kept. */
        job: {
          id: string;
          vendor_job_id: string | null;
          deadline_time: string;
          polls: number;
          failed_polls: number;
          events: {
            name: string;
            at_ms: number;
          }[];
          /** Without addresses: they are their account's, and this may be read by a key of one of its users. */
          deliveries: {
            delivery_id: string;
            webhook_id: string;
            event_id: string;
            type: string;
            state: string | undefined;
            tries: number;
            /** The last 20 at most. */
            last_tries: {
              time: string;
              duration_ms: number;
              http_status: number | null;
              error: string | null;
            }[];
            created_time: string;
            next_try_time: string | null;
          }[];
        } | null;
        /** Other requests that the ID leads to, newest first. */
        others: string[];
        response: string;
        response_truncated: boolean;
        custom_response: object | null;
        billing: {
          lines: {
            unit:
              | "images"
              | "pages"
              | "input_tokens"
              | "cached_input_tokens"
              | "cache_write_tokens"
              | "output_tokens"
              | "reasoning_tokens"
              | "audio_ms"
              | "characters"
              | "requests"
              | "cache_write_1h_tokens"
              | "input_image_tokens"
              | "cached_input_image_tokens"
              | "output_image_tokens"
              | "input_audio_tokens"
              | "cached_input_audio_tokens"
              | "output_audio_tokens"
              | "input_video_tokens"
              | "output_video_tokens"
              | "input_images"
              | "input_kilopixels"
              | "input_audio_ms"
              | "output_audio_ms"
              | "input_video_ms"
              | "output_video_ms"
              | "searches"
              | "web_searches"
              | "tool_calls"
              | "sessions"
              | "vendor_nano_usd";
            amount: number;
            /** Price that held, in US dollars for `per` of the unit. */
            price_usd: string;
            per: number;
            /** Amount times price, exact: up to 18 decimals. */
            cost_usd: string;
          }[];
          /** Exact sum of the lines; null: there are none. */
          sum_usd: string | null;
          /** What the same usage costs by the vendor's list; null: not known. */
          list_price_usd: string | null;
          reserved_usd: string;
          billed_usd: string;
          reason: string | null;
          policy: "drain" | "charge_delivered" | "refund";
          price_source: "strategy" | "table" | "free" | null;
          /** The price list that it was charged by, before the group's ratio. */
          rates: readonly {
            unit:
              | "images"
              | "pages"
              | "input_tokens"
              | "cached_input_tokens"
              | "cache_write_tokens"
              | "output_tokens"
              | "reasoning_tokens"
              | "audio_ms"
              | "characters"
              | "requests"
              | "cache_write_1h_tokens"
              | "input_image_tokens"
              | "cached_input_image_tokens"
              | "output_image_tokens"
              | "input_audio_tokens"
              | "cached_input_audio_tokens"
              | "output_audio_tokens"
              | "input_video_tokens"
              | "output_video_tokens"
              | "input_images"
              | "input_kilopixels"
              | "input_audio_ms"
              | "output_audio_ms"
              | "input_video_ms"
              | "output_video_ms"
              | "searches"
              | "web_searches"
              | "tool_calls"
              | "sessions"
              | "vendor_nano_usd";
            /** USD for `per` of the unit. */
            usd: string;
            /** A million tokens, a thousand milliseconds, one piece ... */
            per: number;
            /** What must be so for it to hold; null: it always holds. */
            when: {
              above_input_tokens: number | null;
              traits: {
                [key: string]: string;
              };
            } | null;
          }[];
          group_ratio: number | null;
        };
        response_model: string | null;
        message_id: string | null;
        upstream_request_id: string | null;
        client_request_id: string | null;
        finish_reason: string | null;
        origin: {
          path: string | null;
          user_agent: string | null;
          address: string | null;
          request_bytes: number | null;
          idempotency_key: string | null;
          /** Trace ID of the client's traceparent, where the request has another one. */
          client_trace_id: string | null;
          /** The client's x-client-request-id, where it sent an x-request-id as well. */
          second_client_request_id: string | null;
        } | null;
        metadata: {
          [key: string]: unknown;
        } | null;
        route: {
          channel: string;
          chosen: boolean;
          reason: string;
        }[];
        attempts: {
          id: string;
          channel: string;
          platform: string;
          upstream_model: string;
          upstream_request_id: string | null;
          http_status: number | null;
          error: {
            code:
              | "missing_required_field"
              | "invalid_value"
              | "model_not_supported"
              | "context_length_exceeded"
              | "content_filtered"
              | "invalid_api_key"
              | "expired_api_key"
              | "revoked_api_key"
              | "insufficient_quota"
              | "permission_denied"
              | "account_suspended"
              | "not_found"
              | "idempotency_conflict"
              | "request_too_large"
              | "idempotency_mismatch"
              | "rate_limit_exceeded"
              | "concurrent_limit_exceeded"
              | "client_closed_request"
              | "cancelled"
              | "internal_error"
              | "interrupted"
              | "not_implemented"
              | "upstream_error"
              | "upstream_outcome_unknown"
              | "service_unavailable"
              | "upstream_timeout"
              | "expired"
              | "upstream_overloaded";
            message: string;
          } | null;
          fault: {
            kind: string;
            code: string | null;
          } | null;
          resent: boolean;
          start_ms: number;
          head_ms: number | null;
          end_ms: number;
        }[];
        timeline: {
          name: string;
          at_ms: number;
        }[];
        trace: {
          id: string;
          sampled: boolean;
          url: string | null;
        };
        notes: string[];
        id: string;
        status: "failed" | "pending" | "queueing" | "processing" | "succeeded";
        module: "" | "chat" | "embeddings" | "rerank" | "moderation" | "audio" | "image" | "video";
        dialect: string;
        stream: boolean;
        model: string | null;
        requested_model: string;
        platform: string | null;
        channel: string | null;
        strategy: string | null;
        account_id: string;
        key_id: string;
        user_id: string | null;
        /** For whom it was: whose the key is, or whom the request names. */
        end_user: string | null;
        tags: string[];
        http_status: number | null;
        error: {
          type:
            | "insufficient_quota"
            | "request_too_large"
            | "invalid_request_error"
            | "authentication_error"
            | "permission_error"
            | "not_found_error"
            | "rate_limit_error"
            | "api_error"
            | "overloaded_error";
          code:
            | "missing_required_field"
            | "invalid_value"
            | "model_not_supported"
            | "context_length_exceeded"
            | "content_filtered"
            | "invalid_api_key"
            | "expired_api_key"
            | "revoked_api_key"
            | "insufficient_quota"
            | "permission_denied"
            | "account_suspended"
            | "not_found"
            | "idempotency_conflict"
            | "request_too_large"
            | "idempotency_mismatch"
            | "rate_limit_exceeded"
            | "concurrent_limit_exceeded"
            | "client_closed_request"
            | "cancelled"
            | "internal_error"
            | "interrupted"
            | "not_implemented"
            | "upstream_error"
            | "upstream_outcome_unknown"
            | "service_unavailable"
            | "upstream_timeout"
            | "expired"
            | "upstream_overloaded";
          message: string;
        } | null;
        created_time: string;
        updated_time: string;
        duration_ms: number;
        first_byte_ms: number | null;
        usage: {
          input_tokens: number;
          cached_input_tokens: number;
          cache_write_tokens: number;
          output_tokens: number;
          reasoning_tokens: number;
          images: number;
          audio_ms: number;
          characters: number;
          estimated: boolean;
          quantities: Quantities;
          traits: {
            [key: string]: string;
          };
        } | null;
        reconstructed: boolean;
        repaired: boolean;
        payload_expired: boolean;
        object: string;
      }
    >;
    /** Deletes records; repeats, unknown IDs and others' are fine and change nothing. */
    delete: Mutation<
      {
        request_ids: string[];
        account_id?: string | undefined;
      },
      {
        deleted: number;
      }
    >;
    /**
     * New records as they come, then each again when it changes from running to ended. A client that lost its connection
     * goes on from five seconds before the highest ID that it saw, for late ones come there: it may be given some again. One
     * whose gateway stops is told an error after which clients connect again, for
     * an end they would take as final.
     */
    tail: Subscription<
      | {
          filter?:
            | {
                module?: "chat" | "embeddings" | "rerank" | "moderation" | "audio" | "image" | "video" | undefined;
                model?: string | undefined;
                /** For administration keys: only this account's. */
                account_id?: string | undefined;
                key_id?: string | undefined;
                /** Whose records: a user's own key's, or a back end's that named the user. */
                user_id?: string | undefined;
                statuses?: ("failed" | "pending" | "queueing" | "processing" | "succeeded")[] | undefined;
                channel?: string | undefined;
                tag?: string | undefined;
                /** For whom it was, whatever key named the end user. */
                end_user?: string | undefined;
                /** Trace ID: the request's own, or that of its client's traceparent. */
                trace_id?: string | undefined;
                error_code?:
                  | "missing_required_field"
                  | "invalid_value"
                  | "model_not_supported"
                  | "context_length_exceeded"
                  | "content_filtered"
                  | "invalid_api_key"
                  | "expired_api_key"
                  | "revoked_api_key"
                  | "insufficient_quota"
                  | "permission_denied"
                  | "account_suspended"
                  | "not_found"
                  | "idempotency_conflict"
                  | "request_too_large"
                  | "idempotency_mismatch"
                  | "rate_limit_exceeded"
                  | "concurrent_limit_exceeded"
                  | "client_closed_request"
                  | "cancelled"
                  | "internal_error"
                  | "interrupted"
                  | "not_implemented"
                  | "upstream_error"
                  | "upstream_outcome_unknown"
                  | "service_unavailable"
                  | "upstream_timeout"
                  | "expired"
                  | "upstream_overloaded"
                  | undefined;
                /** Start of the ID's decimal spelling, or a whole ID in either. */
                id_text?: string | undefined;
              }
            | undefined;
          lastEventId?: string | null | undefined;
        }
      | undefined,
      {
        id: string;
        status: "failed" | "pending" | "queueing" | "processing" | "succeeded";
        module: "" | "chat" | "embeddings" | "rerank" | "moderation" | "audio" | "image" | "video";
        dialect: string;
        stream: boolean;
        model: string | null;
        requested_model: string;
        platform: string | null;
        channel: string | null;
        strategy: string | null;
        account_id: string;
        key_id: string;
        user_id: string | null;
        /** For whom it was: whose the key is, or whom the request names. */
        end_user: string | null;
        tags: string[];
        http_status: number | null;
        error: {
          type:
            | "insufficient_quota"
            | "request_too_large"
            | "invalid_request_error"
            | "authentication_error"
            | "permission_error"
            | "not_found_error"
            | "rate_limit_error"
            | "api_error"
            | "overloaded_error";
          code:
            | "missing_required_field"
            | "invalid_value"
            | "model_not_supported"
            | "context_length_exceeded"
            | "content_filtered"
            | "invalid_api_key"
            | "expired_api_key"
            | "revoked_api_key"
            | "insufficient_quota"
            | "permission_denied"
            | "account_suspended"
            | "not_found"
            | "idempotency_conflict"
            | "request_too_large"
            | "idempotency_mismatch"
            | "rate_limit_exceeded"
            | "concurrent_limit_exceeded"
            | "client_closed_request"
            | "cancelled"
            | "internal_error"
            | "interrupted"
            | "not_implemented"
            | "upstream_error"
            | "upstream_outcome_unknown"
            | "service_unavailable"
            | "upstream_timeout"
            | "expired"
            | "upstream_overloaded";
          message: string;
        } | null;
        created_time: string;
        updated_time: string;
        duration_ms: number;
        first_byte_ms: number | null;
        usage: {
          input_tokens: number;
          cached_input_tokens: number;
          cache_write_tokens: number;
          output_tokens: number;
          reasoning_tokens: number;
          images: number;
          audio_ms: number;
          characters: number;
          estimated: boolean;
          quantities: Quantities;
          traits: {
            [key: string]: string;
          };
        } | null;
        billing: {
          reserved_usd: string;
          billed_usd: string;
          reason: string | null;
          policy: "drain" | "charge_delivered" | "refund";
          price_source: "strategy" | "table" | "free" | null;
          /** The price list that it was charged by, before the group's ratio. */
          rates: readonly {
            unit:
              | "images"
              | "pages"
              | "input_tokens"
              | "cached_input_tokens"
              | "cache_write_tokens"
              | "output_tokens"
              | "reasoning_tokens"
              | "audio_ms"
              | "characters"
              | "requests"
              | "cache_write_1h_tokens"
              | "input_image_tokens"
              | "cached_input_image_tokens"
              | "output_image_tokens"
              | "input_audio_tokens"
              | "cached_input_audio_tokens"
              | "output_audio_tokens"
              | "input_video_tokens"
              | "output_video_tokens"
              | "input_images"
              | "input_kilopixels"
              | "input_audio_ms"
              | "output_audio_ms"
              | "input_video_ms"
              | "output_video_ms"
              | "searches"
              | "web_searches"
              | "tool_calls"
              | "sessions"
              | "vendor_nano_usd";
            /** USD for `per` of the unit. */
            usd: string;
            /** A million tokens, a thousand milliseconds, one piece ... */
            per: number;
            /** What must be so for it to hold; null: it always holds. */
            when: {
              above_input_tokens: number | null;
              traits: {
                [key: string]: string;
              };
            } | null;
          }[];
          group_ratio: number | null;
        };
        reconstructed: boolean;
        repaired: boolean;
        payload_expired: boolean;
      }
    >;
  };
  channels: {
    /** All channels with their health. */
    list: Query<
      void,
      {
        channels: {
          health: {
            /**
             * `open`: its breaker is open. `limited`: it refuses most requests for its limits (429). `failing`: most requests fail.
             * `cooling_down`: it asked to be left alone. `degraded`: some fail. `quiet`: nothing was asked of it lately.
             */
            state: "open" | "limited" | "failing" | "cooling_down" | "degraded" | "healthy" | "quiet";
            attempts: number;
            failures: number;
            /** How many of the last 20 attempts there were, and how many of those failed. */
            recent_attempts: number;
            recent_failures: number;
            first_byte_ms: number | null;
            open: boolean;
            cooldown_until: string | null;
            /** null: none within ten minutes. */
            last_failure: {
              code: string | null;
              /** The upstream's HTTP status; null: it did not answer. */
              status: number | null;
              time: string;
            } | null;
            last_success_time: string | null;
          } | null;
          name: string;
          adapter: string;
          platform: string;
          base_url: string;
          models: {
            model: string;
            upstream_model: string;
            strategy: string;
            space: string;
          }[];
          groups: string[];
          priority: number;
          weight: number;
          enabled: boolean;
          from_file: boolean;
          /** Who runs the lines of batches: our own workers, or its vendor. */
          batches:
            | "own"
            | {
                by: "vendor";
                price_ratio: string;
                list_ratio: string;
              };
          request_id_header: string;
          flavour: {
            [key: string]: unknown;
          };
          header_names: string[];
          connect_timeout_ms: number;
          headers_timeout_ms: number;
          chunk_timeout_ms: number;
          first_token_timeout_ms: number;
          body_timeout_ms: number;
          credentials: string[];
        }[];
      }
    >;
    /** Creates or replaces a run-time channel; without `new_credential` it keeps those that it has. */
    put: Mutation<
      {
        channel: {
          name: string;
          adapter: string;
          base_url: string;
          models: {
            model: string;
            upstream_model?: string | undefined;
            strategy?: string | undefined;
            /** Vector space of its embeddings; empty: the name sent upstream. */
            space?: string | undefined;
          }[];
          platform?: string | undefined;
          groups?: string[] | undefined;
          priority?: number | undefined;
          weight?: number | undefined;
          enabled?: boolean | undefined;
          /** Who runs the lines of batches. */
          batches?:
            | "vendor"
            | "own"
            | {
                by: "vendor" | "own";
                /** What clients pay for a line, as a part of what the request costs at once: a decimal; empty: 0.5. */
                price_ratio?: string | undefined;
                /** What a line costs by the vendor's own list, likewise; empty: what the vendor is known for. */
                list_ratio?: string | undefined;
              }
            | undefined;
          request_id_header?: string | undefined;
          headers?:
            | {
                [key: string]: string;
              }
            | undefined;
          /** Quirks of the vendor as data. */
          flavour?:
            | {
                [key: string]: unknown;
              }
            | undefined;
          connect_timeout_ms?: number | undefined;
          headers_timeout_ms?: number | undefined;
          chunk_timeout_ms?: number | undefined;
          first_token_timeout_ms?: number | undefined;
          body_timeout_ms?: number | undefined;
        };
        new_credential?: string | undefined;
      },
      {
        name: string;
        adapter: string;
        platform: string;
        base_url: string;
        models: {
          model: string;
          upstream_model: string;
          strategy: string;
          space: string;
        }[];
        groups: string[];
        priority: number;
        weight: number;
        enabled: boolean;
        from_file: boolean;
        /** Who runs the lines of batches: our own workers, or its vendor. */
        batches:
          | "own"
          | {
              by: "vendor";
              price_ratio: string;
              list_ratio: string;
            };
        request_id_header: string;
        flavour: {
          [key: string]: unknown;
        };
        header_names: string[];
        connect_timeout_ms: number;
        headers_timeout_ms: number;
        chunk_timeout_ms: number;
        first_token_timeout_ms: number;
        body_timeout_ms: number;
        credentials: string[];
      }
    >;
    /** Removes a run-time channel; a repeat is fine. */
    delete: Mutation<
      {
        name: string;
      },
      {
        name: string;
      }
    >;
  };
  trail: {
    /**
     * Events, newest first, of all keys for operators, of its account's own keys for others. Each change has two: that it was asked for, with
     * its values and what was before, and its outcome, with what is after it. A read of contents has one.
     */
    list: Query<
      | {
          /** Only by keys of this account. */
          account_id?: string | undefined;
          before_event_id?: string | undefined;
          limit?: number | undefined;
          procedure?: string | undefined;
          actor_key_id?: string | undefined;
          target?: string | undefined;
          /** From this time on, and before `to`. */
          from?: string | undefined;
          to?: string | undefined;
        }
      | undefined,
      {
        events: {
          event_id: string;
          /** Its place in the trail, without a gap, and what chains it to the one before. */
          number: string;
          hash: string;
          time: string;
          request_id: string;
          call: number;
          procedure: string;
          actor: string;
          actor_key_id: string;
          actor_account_id: string;
          address: string;
          target: string | null;
          values: unknown;
          /** What it is about, without secrets; null: there was, or is, nothing, or this event does not tell. */
          before: unknown;
          after: unknown;
          outcome: string | null;
        }[];
        has_more: boolean;
      }
    >;
  };
  webhooks: {
    /** Makes a webhook. `platform` marks one of an operator's own account. */
    create: Mutation<
      {
        url: string;
        account_id?: string | undefined;
        events?: string[] | undefined;
        description?: string | undefined;
        enabled?: boolean | undefined;
      },
      {
        secret: string;
        webhook_id: string;
        account_id: string;
        /** null: it signs what goes to the callback URLs of the account's requests. */
        url: string | null;
        events: string[];
        enabled: boolean;
        description: string;
        /** True: it is of an operator's own account, made by its own key. */
        platform: boolean;
        created_time: string;
        updated_time: string;
        /** Until when the secret before this one signs as well. */
        previous_secret_until: string | null;
      }
    >;
    /** Lists webhooks by ID, of one account or of all that are reached. One without a URL signs what goes to callback URLs. */
    list: Query<
      | {
          account_id?: string | undefined;
          after_webhook_id?: string | undefined;
          limit?: number | undefined;
        }
      | undefined,
      {
        webhooks: {
          webhook_id: string;
          account_id: string;
          /** null: it signs what goes to the callback URLs of the account's requests. */
          url: string | null;
          events: string[];
          enabled: boolean;
          description: string;
          /** True: it is of an operator's own account, made by its own key. */
          platform: boolean;
          created_time: string;
          updated_time: string;
          /** Until when the secret before this one signs as well. */
          previous_secret_until: string | null;
        }[];
        has_more: boolean;
      }
    >;
    /** Changes what is given; `events` is replaced as a whole. What waits for one that is switched off is dead from then on. */
    update: Mutation<
      {
        webhook_id: string;
        url?: string | undefined;
        events?: string[] | undefined;
        description?: string | undefined;
        enabled?: boolean | undefined;
      },
      {
        webhook_id: string;
        account_id: string;
        /** null: it signs what goes to the callback URLs of the account's requests. */
        url: string | null;
        events: string[];
        enabled: boolean;
        description: string;
        /** True: it is of an operator's own account, made by its own key. */
        platform: boolean;
        created_time: string;
        updated_time: string;
        /** Until when the secret before this one signs as well. */
        previous_secret_until: string | null;
      }
    >;
    /** Gives a webhook a new secret; the old one signs beside it for a day. */
    rotate: Mutation<
      {
        webhook_id: string;
      },
      {
        secret: string;
        webhook_id: string;
        account_id: string;
        /** null: it signs what goes to the callback URLs of the account's requests. */
        url: string | null;
        events: string[];
        enabled: boolean;
        description: string;
        /** True: it is of an operator's own account, made by its own key. */
        platform: boolean;
        created_time: string;
        updated_time: string;
        /** Until when the secret before this one signs as well. */
        previous_secret_until: string | null;
      }
    >;
    /** Gives the callback URLs of an account's requests a new secret; one that there was signs beside it for a day. */
    rotateCallbacks: Mutation<
      | {
          account_id?: string | undefined;
        }
      | undefined,
      {
        secret: string;
        webhook_id: string;
        account_id: string;
        /** null: it signs what goes to the callback URLs of the account's requests. */
        url: string | null;
        events: string[];
        enabled: boolean;
        description: string;
        /** True: it is of an operator's own account, made by its own key. */
        platform: boolean;
        created_time: string;
        updated_time: string;
        /** Until when the secret before this one signs as well. */
        previous_secret_until: string | null;
      }
    >;
    /** Removes a webhook with its deliveries; a repeat is fine. */
    delete: Mutation<
      {
        webhook_id: string;
      },
      {
        deleted: boolean;
      }
    >;
    /** Sends an event of the type `webhook.test`. */
    test: Mutation<
      {
        webhook_id: string;
      },
      {
        delivery_id: string;
        webhook_id: string;
        account_id: string;
        event_id: string;
        type: string;
        url: string;
        state: string | undefined;
        request_id: string | null;
        tries: number;
        /** The last 20 at most. */
        last_tries: {
          time: string;
          duration_ms: number;
          http_status: number | null;
          error: string | null;
        }[];
        created_time: string;
        next_try_time: string | null;
      }
    >;
    /** Lists deliveries, newest first. */
    deliveries: Query<
      | {
          account_id?: string | undefined;
          webhook_id?: string | undefined;
          state?: "pending" | "delivered" | "dead" | undefined;
          request_id?: string | undefined;
          before_delivery_id?: string | undefined;
          limit?: number | undefined;
        }
      | undefined,
      {
        deliveries: {
          delivery_id: string;
          webhook_id: string;
          account_id: string;
          event_id: string;
          type: string;
          url: string;
          state: string | undefined;
          request_id: string | null;
          tries: number;
          /** The last 20 at most. */
          last_tries: {
            time: string;
            duration_ms: number;
            http_status: number | null;
            error: string | null;
          }[];
          created_time: string;
          next_try_time: string | null;
        }[];
        has_more: boolean;
      }
    >;
    /** Sends a delivery again that has ended, from the start of its schedule. */
    resend: Mutation<
      {
        delivery_id: string;
      },
      {
        delivery_id: string;
        webhook_id: string;
        account_id: string;
        event_id: string;
        type: string;
        url: string;
        state: string | undefined;
        request_id: string | null;
        tries: number;
        /** The last 20 at most. */
        last_tries: {
          time: string;
          duration_ms: number;
          http_status: number | null;
          error: string | null;
        }[];
        created_time: string;
        next_try_time: string | null;
      }
    >;
  };
};

/** JSON-RPC's code of an error; what happened is in `data.code`. */
export type ErrorShape = {
  message: string;
  code: TRPCErrorCode;
  data: ErrorData;
};

type TRPCErrorCode = import("@trpc/server").TRPC_ERROR_CODE_NUMBER;

/** A call that reads. */
type Query<Input, Output> = TRPCQueryProcedure<{ input: Input; output: Output; meta: object; errorShape: ErrorShape }>;
/** A call that changes or costs something. */
type Mutation<Input, Output> = TRPCMutationProcedure<{
  input: Input;
  output: Output;
  meta: object;
  errorShape: ErrorShape;
}>;
/** A stream of events, each with an ID. */
type Subscription<Input, Event> = TRPCSubscriptionProcedure<{
  input: Input;
  output: AsyncIterable<{ id: string; data: Event }, void, unknown>;
  meta: object;
  errorShape: ErrorShape;
}>;

/** Type of the router, for clients that are made by hand. */
export type AppRouter = TRPCBuiltRouter<
  { ctx: object; meta: object; errorShape: ErrorShape; transformer: false },
  Procedures
>;
