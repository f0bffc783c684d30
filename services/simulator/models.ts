import { type Behaviour, normalBehaviour } from "./behaviour.ts";
import { answerRules } from "./rules/answers.ts";
import { moduleRules } from "./rules/modules.ts";
import type { SimulatedModel } from "./rules/rule.ts";

const rules = [...answerRules, ...moduleRules];

/**
 * Every model that misbehaves on purpose. They combine with `+`: `sim-tokens-100+slow-chunks-5` streams 100 tokens at
 * 5 ms. A name that begins with `sim-` and is not in this table is answered 404; every other name answers normally.
 */
export const simulatedModels: readonly SimulatedModel[] = rules.map(({ name, example, meaning }) => ({
  name,
  example,
  meaning,
}));

const unknownModel: Behaviour = Object.freeze({ ...normalBehaviour, refusal: "unknown_model" });

function parse(model: string): Behaviour {
  let behaviour: Behaviour = normalBehaviour;
  for (const part of model.split("+")) {
    const name = part.startsWith("sim-") ? part : `sim-${part}`;
    const found = rules.find((candidate) => candidate.pattern.test(name));
    const digits = found?.pattern.exec(name)?.[1];
    const parameter = digits === undefined ? found?.fallback : Number(digits);
    if (found === undefined || parameter === undefined || parameter < found.min || parameter > found.max) {
      return unknownModel;
    }
    behaviour = { ...behaviour, ...found.effect(parameter) };
  }
  return behaviour;
}

/** Remembers what it parsed, up to 1,000 names. */
export function createBehaviours(): (model: string) => Behaviour {
  const known = new Map<string, Behaviour>();
  return (model) => {
    if (!model.startsWith("sim-")) return normalBehaviour;
    const remembered = known.get(model);
    if (remembered !== undefined) return remembered;
    const behaviour = parse(model);
    if (known.size < 1_000) known.set(model, behaviour);
    return behaviour;
  };
}
