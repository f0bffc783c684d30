import type { Message } from "@bufbuild/protobuf";
import type { LaneMethod } from "../../shared/rpc/index.ts";

/** Lets calls go on together, so that it is the test and not the clock that says what makes a batch. */
export interface Gate {
  /** From now on the calls of a method wait until so many have come, and then go on in one tick. 1: none waits. */
  hold(calls: number): void;
  /** The method behind the gate. `answered` is told of every answer. */
  guard<I extends Message, O extends Message, F extends Message>(
    method: LaneMethod<I, O, F>,
    answered?: () => void,
  ): LaneMethod<I, O, F>;
}

/** Creates an open gate. */
export function createGate(): Gate {
  let together = 1;
  return {
    hold(calls) {
      together = calls;
    },
    guard(method, answered = () => undefined) {
      let waiting: (() => void)[] = [];
      const turn = () =>
        new Promise<void>((resolve) => {
          waiting.push(resolve);
          if (waiting.length < together) return;
          for (const go of waiting) go();
          waiting = [];
        });
      return {
        open: method.open,
        async call(item, options) {
          await turn();
          const answer = await method.call(item, options);
          answered();
          return answer;
        },
      };
    },
  };
}
