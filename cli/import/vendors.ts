/** How a vendor is written in our configuration. */
export interface Vendor {
  /** Name of its channel: that of the built-in channel, which the imported one then replaces. */
  readonly channel: string;
  readonly adapter: string;
  /** Empty: only the configuration that is imported can say it. */
  readonly baseUrl: string;
  /** Named flavour of the adapter openai. */
  readonly flavour?: string;
  readonly platform?: string;
  /** Variable that has its key where the configuration does not say. */
  readonly env: string;
}

const compatible = (channel: string, baseUrl: string, env: string, flavour?: string): Vendor => ({
  channel,
  adapter: "openai",
  baseUrl,
  env,
  ...(flavour === undefined ? {} : { flavour }),
});

/** Vendors by the name that this room gives them; addresses as their own documents and both peers have them. */
export const vendors = {
  openai: compatible("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", "openai"),
  azure: compatible("azure", "", "AZURE_API_KEY", "azure"),
  anthropic: {
    channel: "anthropic",
    adapter: "anthropic",
    baseUrl: "https://api.anthropic.com",
    env: "ANTHROPIC_API_KEY",
  },
  gemini: {
    channel: "gemini",
    adapter: "gemini",
    baseUrl: "https://generativelanguage.googleapis.com/v1beta",
    env: "GEMINI_API_KEY",
  },
  vertex: { channel: "vertex", adapter: "vertex", baseUrl: "", env: "VERTEX_CREDENTIALS" },
  bedrock: { channel: "bedrock", adapter: "bedrock", baseUrl: "", env: "AWS_BEARER_TOKEN_BEDROCK" },
  deepseek: compatible("deepseek", "https://api.deepseek.com", "DEEPSEEK_API_KEY", "deepseek"),
  dashscope: compatible(
    "dashscope",
    "https://dashscope.aliyuncs.com/compatible-mode/v1",
    "DASHSCOPE_API_KEY",
    "dashscope",
  ),
  moonshot: compatible("moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY", "moonshot"),
  zhipu: compatible("zhipu", "https://open.bigmodel.cn/api/paas/v4", "ZHIPU_API_KEY", "zhipu"),
  mistral: compatible("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", "mistral"),
  siliconflow: compatible("siliconflow", "https://api.siliconflow.cn/v1", "SILICONFLOW_API_KEY", "siliconflow"),
  volcengine: compatible("volcengine", "https://ark.cn-beijing.volces.com/api/v3", "VOLCENGINE_API_KEY", "volcengine"),
  minimax: compatible("minimax", "https://api.minimax.io/v1", "MINIMAX_API_KEY", "minimax"),
  openrouter: compatible("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "openrouter"),
  ollama: compatible("ollama", "http://127.0.0.1:11434/v1", "OLLAMA_API_KEY", "ollama"),
  vllm: compatible("vllm", "", "HOSTED_VLLM_API_KEY", "vllm"),
  cohere: { channel: "cohere", adapter: "cohere", baseUrl: "https://api.cohere.com", env: "COHERE_API_KEY" },
  jina: compatible("jina", "https://api.jina.ai/v1", "JINA_API_KEY"),
  voyage: { channel: "voyage", adapter: "voyage", baseUrl: "https://api.voyageai.com/v1", env: "VOYAGE_API_KEY" },
  elevenlabs: {
    channel: "elevenlabs",
    adapter: "elevenlabs",
    baseUrl: "https://api.elevenlabs.io",
    env: "ELEVENLABS_API_KEY",
  },
  groq: compatible("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
  xai: compatible("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
  together: compatible("together", "https://api.together.xyz/v1", "TOGETHERAI_API_KEY"),
  fireworks: compatible("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
  perplexity: compatible("perplexity", "https://api.perplexity.ai", "PERPLEXITYAI_API_KEY"),
  cerebras: compatible("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
  deepinfra: compatible("deepinfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
  nvidia: compatible("nvidia", "https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"),
  sambanova: compatible("sambanova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
  lingyiwanwu: compatible("lingyiwanwu", "https://api.lingyiwanwu.com/v1", "LINGYIWANWU_API_KEY"),
  qianfan: compatible("qianfan", "https://qianfan.baidubce.com/v2", "QIANFAN_API_KEY"),
  /** Any server that speaks OpenAI's chat. */
  compatible: compatible("compatible", "", "OPENAI_API_KEY"),
} as const satisfies Readonly<Record<string, Vendor>>;

/** Name of a vendor of the table. */
export type VendorName = keyof typeof vendors;

/** LiteLLM's providers, the part of `model` before the slash. */
export const litellmProviders: Readonly<Record<string, VendorName>> = {
  openai: "openai",
  "text-completion-openai": "openai",
  custom_openai: "compatible",
  openai_like: "compatible",
  litellm_proxy: "compatible",
  lm_studio: "compatible",
  llamafile: "compatible",
  xinference: "compatible",
  azure: "azure",
  azure_text: "azure",
  azure_ai: "compatible",
  anthropic: "anthropic",
  gemini: "gemini",
  vertex_ai: "vertex",
  vertex_ai_beta: "vertex",
  bedrock: "bedrock",
  bedrock_converse: "bedrock",
  deepseek: "deepseek",
  dashscope: "dashscope",
  moonshot: "moonshot",
  zai: "zhipu",
  zhipu: "zhipu",
  mistral: "mistral",
  codestral: "mistral",
  siliconflow: "siliconflow",
  volcengine: "volcengine",
  minimax: "minimax",
  openrouter: "openrouter",
  ollama: "ollama",
  ollama_chat: "ollama",
  vllm: "vllm",
  hosted_vllm: "vllm",
  cohere: "cohere",
  cohere_chat: "cohere",
  jina_ai: "jina",
  voyage: "voyage",
  elevenlabs: "elevenlabs",
  groq: "groq",
  xai: "xai",
  together_ai: "together",
  fireworks_ai: "fireworks",
  perplexity: "perplexity",
  cerebras: "cerebras",
  deepinfra: "deepinfra",
  nvidia_nim: "nvidia",
  sambanova: "sambanova",
};

/** new-api's types of channels (constant/channel.go), and what its base URL lacks before our paths. */
export const newApiTypes: Readonly<Record<number, { readonly vendor: VendorName; readonly path: string }>> = {
  1: { vendor: "openai", path: "/v1" },
  3: { vendor: "azure", path: "" },
  4: { vendor: "ollama", path: "/v1" },
  8: { vendor: "compatible", path: "/v1" },
  14: { vendor: "anthropic", path: "" },
  16: { vendor: "zhipu", path: "/api/paas/v4" },
  17: { vendor: "dashscope", path: "/compatible-mode/v1" },
  20: { vendor: "openrouter", path: "/v1" },
  24: { vendor: "gemini", path: "/v1beta" },
  25: { vendor: "moonshot", path: "/v1" },
  26: { vendor: "zhipu", path: "/api/paas/v4" },
  27: { vendor: "perplexity", path: "" },
  31: { vendor: "lingyiwanwu", path: "/v1" },
  33: { vendor: "bedrock", path: "" },
  34: { vendor: "cohere", path: "" },
  35: { vendor: "minimax", path: "/v1" },
  38: { vendor: "jina", path: "/v1" },
  40: { vendor: "siliconflow", path: "/v1" },
  41: { vendor: "vertex", path: "" },
  42: { vendor: "mistral", path: "/v1" },
  43: { vendor: "deepseek", path: "" },
  45: { vendor: "volcengine", path: "/api/v3" },
  46: { vendor: "qianfan", path: "/v2" },
  47: { vendor: "compatible", path: "/v1" },
  48: { vendor: "xai", path: "/v1" },
  55: { vendor: "openai", path: "/v1" },
};
