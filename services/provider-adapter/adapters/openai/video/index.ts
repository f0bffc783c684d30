import { endpointPath, type OpenaiFlavour, type VendorModule } from "../../../domain/flavour.ts";
import { videoDialect, videoExchange } from "../../../modules/video/exchange.ts";
import type { VideoFormat } from "../../../modules/video/format.ts";
import { type OpenaiModule, placeOf } from "../module.ts";
import { dashscopeVideo } from "./dashscope.ts";
import { minimaxVideo } from "./minimax.ts";
import { openaiVideo } from "./openai.ts";
import { openrouterVideo } from "./openrouter.ts";
import type { VideoPlace } from "./place.ts";
import { seedanceVideo } from "./seedance.ts";
import { zhipuVideo } from "./zhipu.ts";

interface Shape {
  readonly format: (flavour: OpenaiFlavour, place: VideoPlace) => VideoFormat;
  /** Where its jobs are begun. Empty: beside the flavour's chat. */
  readonly path: string;
}

/** How jobs for videos are spoken of. */
const shapes = {
  openai: { format: openaiVideo, path: "" },
  dashscope: { format: dashscopeVideo, path: "/services/aigc/video-generation/video-synthesis" },
  seedance: { format: seedanceVideo, path: "/contents/generations/tasks" },
  zhipu: { format: zhipuVideo, path: "/videos/generations" },
  minimax: { format: minimaxVideo, path: "/video_generation" },
  openrouter: { format: openrouterVideo, path: "/videos" },
} satisfies Record<string, Shape>;

type ShapeName = keyof typeof shapes;

/** Vendors that differ. */
const vendors: Readonly<Record<string, VendorModule & { readonly shape?: ShapeName }>> = {
  // Beside the deployments, whose names stand in the body here.
  azure: { path: "/openai/v1/videos?api-version=preview" },
  // Jobs have an address of their own beside that of the compatible mode.
  dashscope: { shape: "dashscope", base: ["compatible-mode/v1", "api/v1"] },
  zhipu: { shape: "zhipu" },
  volcengine: { shape: "seedance" },
  minimax: { shape: "minimax" },
  openrouter: { shape: "openrouter" },
};

function formatOf(flavour: OpenaiFlavour, model: string): VideoFormat {
  const usual = { path: "", shape: "openai" } as const;
  const { shape, path, base } = placeOf<ShapeName>(flavour, openaiVideoModule.name, usual, vendors);
  const { format, path: own } = shapes[shape];
  return format(flavour, {
    path: path || own || endpointPath(flavour, model, "videos"),
    ...(base === undefined ? {} : { base }),
  });
}

/** Jobs for videos at servers that speak OpenAI's formats, or stand beside those that do. */
export const openaiVideoModule: OpenaiModule = {
  name: "video",
  shapes: Object.keys(shapes),
  exchanges: (of) => ({
    [videoDialect]: (asked) => videoExchange(asked, formatOf(of(asked.upstreamModel), asked.upstreamModel)),
  }),
};
