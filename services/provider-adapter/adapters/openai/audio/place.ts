import { endpointPath, type OpenaiFlavour } from "../../../domain/flavour.ts";
import { pathSegment } from "../../../wire/path-segment.ts";

/** Where something is asked for: what the channel's flavour says goes before the vendor's own place. */
export type PlaceOfAudio = (
  path: string,
  base?: readonly [part: string, instead: string],
) => {
  readonly path: string;
  readonly base?: readonly [string, string];
};

/** Endpoints of OpenAI's audio. */
export type AudioEndpoint = "speech" | "transcriptions" | "translations";

/** The places of a vendor that has its own. In a flavour's path `{model}` stands for the model and `{endpoint}` for OpenAI's last word. */
export function ownPlace(flavour: OpenaiFlavour, model: string, endpoint: AudioEndpoint): PlaceOfAudio {
  const given = flavour.modules.audio ?? {};
  return (path, base) => {
    const instead = given.base ?? base;
    return {
      path: (given.path ?? path).replaceAll("{model}", pathSegment(model)).replaceAll("{endpoint}", endpoint),
      ...(instead === undefined ? {} : { base: instead }),
    };
  };
}

/** The place beside that of chat, as OpenAI and Azure have it. */
export function openaiPlace(flavour: OpenaiFlavour, model: string, endpoint: AudioEndpoint) {
  return ownPlace(flavour, model, endpoint)(endpointPath(flavour, model, `audio/${endpoint}`));
}
