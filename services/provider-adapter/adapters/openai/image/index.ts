import type { OpenaiFlavour, VendorModule } from "../../../domain/flavour.ts";
import type { ImageFormat } from "../../../modules/image/format.ts";
import { imageExchanges } from "../../../modules/image/translate.ts";
import { type OpenaiModule, placeOf } from "../module.ts";
import { dashscopeImages } from "./dashscope.ts";
import { minimaxImages } from "./minimax.ts";
import { openaiImages } from "./openai.ts";
import { openrouterImages } from "./openrouter.ts";
import { seedreamImages } from "./seedream.ts";
import type { ImageShape } from "./shape.ts";
import { siliconflowImages } from "./siliconflow.ts";
import { zhipuImages } from "./zhipu.ts";

/** How images are asked for, by the vendor's names of the fields. */
const shapes = {
  openai: openaiImages,
  openrouter: openrouterImages,
  dashscope: dashscopeImages,
  zhipu: zhipuImages,
  siliconflow: siliconflowImages,
  seedream: seedreamImages,
  minimax: minimaxImages,
} as const satisfies Readonly<Record<string, ImageShape>>;

type ShapeName = keyof typeof shapes;

/** Empty path: beside that of chat, by what is asked for. */
const usual: { readonly path: string; readonly shape: ShapeName } = { path: "", shape: "openai" };

/** Vendors that differ. */
const vendors: Readonly<Record<string, VendorModule & { readonly shape?: ShapeName }>> = {
  // Images have an address of their own beside that of the compatible mode.
  dashscope: {
    ...{ shape: "dashscope", path: "/services/aigc/multimodal-generation/generation" },
    base: ["compatible-mode/v1", "api/v1"],
  },
  zhipu: { shape: "zhipu", path: "/images/generations" },
  siliconflow: { shape: "siliconflow", path: "/images/generations" },
  volcengine: { shape: "seedream", path: "/images/generations" },
  minimax: { shape: "minimax", path: "/image_generation" },
  openrouter: { shape: "openrouter", path: "/images" },
};

function imageFormat(flavour: OpenaiFlavour): ImageFormat {
  const { shape, path, base } = placeOf(flavour, openaiImage.name, usual, vendors);
  return shapes[shape](flavour, { path, ...(base === undefined ? {} : { base }) });
}

/** Images of OpenAI, of servers that speak as it does, and of vendors that stand beside those of its chat format. */
export const openaiImage: OpenaiModule = {
  name: "image",
  shapes: Object.keys(shapes),
  exchanges: (of) => imageExchanges((model) => imageFormat(of(model))),
};
