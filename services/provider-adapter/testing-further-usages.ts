const gemini = (name: string, kinds: Record<string, number>) => ({
  [name]: Object.entries(kinds).map(([modality, tokenCount]) => ({ modality, tokenCount })),
});

/** What vendors say, and what it is charged as: a name, the formats that say it, the usage, and the units with their amounts. */
export const furtherUsages: readonly [string, readonly string[], object, Record<string, number>][] = [
  [
    "audio in and out",
    ["chat", "completions"],
    {
      prompt_tokens: 1_000,
      completion_tokens: 300,
      prompt_tokens_details: { audio_tokens: 700, text_tokens: 300, cached_tokens: 0 },
      completion_tokens_details: { audio_tokens: 250, text_tokens: 50, reasoning_tokens: 0 },
    },
    { input_tokens: 300, input_audio_tokens: 700, output_tokens: 50, output_audio_tokens: 250 },
  ],
  [
    "images, video and cached text beside them",
    ["chat"],
    {
      prompt_tokens: 1_000,
      completion_tokens: 300,
      prompt_tokens_details: { image_tokens: 200, video_tokens: 100, cached_tokens: 600 },
      completion_tokens_details: { image_tokens: 290 },
    },
    {
      ...{ input_tokens: 100, input_image_tokens: 200, input_video_tokens: 100, cached_input_tokens: 600 },
      ...{ output_tokens: 10, output_image_tokens: 290 },
    },
  ],
  [
    "a cache that is told apart",
    ["chat"],
    {
      prompt_tokens: 1_000,
      completion_tokens: 10,
      prompt_tokens_details: {
        audio_tokens: 500,
        image_tokens: 100,
        cached_tokens: 600,
        cached_tokens_details: { audio_tokens: 400, image_tokens: 50, text_tokens: 150 },
      },
    },
    {
      ...{ input_tokens: 250, input_audio_tokens: 100, input_image_tokens: 50, output_tokens: 10 },
      ...{ cached_input_tokens: 150, cached_input_audio_tokens: 400, cached_input_image_tokens: 50 },
    },
  ],
  [
    "more audio than the uncached input",
    ["chat"],
    {
      prompt_tokens: 1_000,
      completion_tokens: 10,
      prompt_tokens_details: { audio_tokens: 900, cached_tokens: 300 },
    },
    { input_audio_tokens: 700, cached_input_audio_tokens: 200, cached_input_tokens: 100, output_tokens: 10 },
  ],
  [
    "details beyond the total",
    ["chat"],
    {
      prompt_tokens: 100,
      completion_tokens: 10,
      prompt_tokens_details: { audio_tokens: 900, image_tokens: 900 },
      completion_tokens_details: { audio_tokens: 900 },
    },
    { input_audio_tokens: 100, output_audio_tokens: 10 },
  ],
  [
    "audio beside reasoning that is of the output",
    ["chat"],
    {
      prompt_tokens: 100,
      completion_tokens: 50,
      completion_tokens_details: { reasoning_tokens: 30, audio_tokens: 15 },
    },
    { input_tokens: 100, output_tokens: 5, output_audio_tokens: 15, reasoning_tokens: 30 },
  ],
  [
    "every kind at Gemini",
    ["gemini"],
    {
      promptTokenCount: 1_000,
      cachedContentTokenCount: 400,
      candidatesTokenCount: 120,
      thoughtsTokenCount: 30,
      toolUsePromptTokenCount: 50,
      ...gemini("promptTokensDetails", { TEXT: 300, AUDIO: 300, IMAGE: 100, DOCUMENT: 100, VIDEO: 200 }),
      ...gemini("cacheTokensDetails", { TEXT: 100, AUDIO: 150, IMAGE: 50, VIDEO: 100 }),
      ...gemini("toolUsePromptTokensDetails", { TEXT: 40, IMAGE: 10 }),
      ...gemini("candidatesTokensDetails", { TEXT: 10, IMAGE: 70, AUDIO: 40 }),
    },
    {
      ...{ input_tokens: 240, input_audio_tokens: 150, input_image_tokens: 160, input_video_tokens: 100 },
      ...{ cached_input_tokens: 200, cached_input_audio_tokens: 150, cached_input_image_tokens: 50 },
      ...{ output_tokens: 10, output_image_tokens: 70, output_audio_tokens: 40, reasoning_tokens: 30 },
    },
  ],
  [
    "kinds that are not known",
    ["gemini"],
    {
      promptTokenCount: 100,
      candidatesTokenCount: 5,
      ...gemini("promptTokensDetails", { SMELL: 40, constructor: 60 }),
    },
    { input_tokens: 100, output_tokens: 5 },
  ],
  [
    "details that are no list",
    ["gemini"],
    { promptTokenCount: 100, candidatesTokenCount: 5, promptTokensDetails: { AUDIO: 5 }, cacheTokensDetails: "AUDIO" },
    { input_tokens: 100, output_tokens: 5 },
  ],
  [
    "cache writes of both lives",
    ["messages"],
    {
      input_tokens: 10,
      cache_read_input_tokens: 5,
      cache_creation_input_tokens: 1_000,
      cache_creation: { ephemeral_5m_input_tokens: 300, ephemeral_1h_input_tokens: 700 },
      output_tokens: 20,
    },
    {
      ...{ input_tokens: 10, cached_input_tokens: 5, output_tokens: 20 },
      ...{ cache_write_tokens: 300, cache_write_1h_tokens: 700 },
    },
  ],
  [
    "cache writes without their sum",
    ["messages"],
    {
      input_tokens: 10,
      cache_creation: { ephemeral_5m_input_tokens: 300, ephemeral_1h_input_tokens: 700 },
      output_tokens: 20,
    },
    { input_tokens: 10, output_tokens: 20, cache_write_tokens: 300, cache_write_1h_tokens: 700 },
  ],
  [
    "more for an hour than was written",
    ["messages"],
    {
      input_tokens: 10,
      cache_creation_input_tokens: 200,
      cache_creation: { ephemeral_5m_input_tokens: 300, ephemeral_1h_input_tokens: 700 },
      output_tokens: 20,
    },
    { input_tokens: 10, output_tokens: 20, cache_write_1h_tokens: 200 },
  ],
  [
    "searches of Anthropic",
    ["messages"],
    {
      input_tokens: 10,
      output_tokens: 20,
      server_tool_use: { web_search_requests: 3, web_fetch_requests: 2 },
    },
    { input_tokens: 10, output_tokens: 20, web_searches: 3 },
  ],
  [
    "searches and the cost of OpenRouter",
    ["chat"],
    {
      prompt_tokens: 10,
      completion_tokens: 20,
      cost: 0.00014,
      is_byok: false,
      cost_details: { upstream_inference_cost: 0.00014 },
      server_tool_use: { web_search_requests: 2, tool_calls_requested: 3, tool_calls_executed: 3 },
    },
    { input_tokens: 10, output_tokens: 20, web_searches: 2, vendor_nano_usd: 140_000 },
  ],
  [
    "a key of one's own at OpenRouter",
    ["chat", "completions"],
    {
      prompt_tokens: 10,
      completion_tokens: 20,
      cost: 0.95,
      is_byok: true,
      cost_details: { upstream_inference_cost: 19 },
    },
    { input_tokens: 10, output_tokens: 20, vendor_nano_usd: 19_950_000_000 },
  ],
  [
    "tools and the cost of xAI",
    ["chat", "responses"],
    {
      ...{ prompt_tokens: 10, completion_tokens: 20, input_tokens: 10, output_tokens: 20 },
      cost_in_usd_ticks: 37_756_001,
      num_sources_used: 9,
      server_side_tool_usage_details: {
        ...{ web_search_calls: 2, x_search_calls: 5, code_interpreter_calls: 1, file_search_calls: 3, mcp_calls: 4 },
      },
    },
    { input_tokens: 10, output_tokens: 20, web_searches: 2, tool_calls: 4, vendor_nano_usd: 3_775_601 },
  ],
  [
    "queries of Perplexity",
    ["chat"],
    { prompt_tokens: 10, completion_tokens: 20, num_search_queries: 7, search_context_size: "low" },
    { input_tokens: 10, output_tokens: 20, web_searches: 7 },
  ],
];
