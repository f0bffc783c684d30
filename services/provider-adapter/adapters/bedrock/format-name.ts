/** Name of the format. */
export const converseFormatName = "bedrock.converse";
