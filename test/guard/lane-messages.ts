import type * as Encode from "../../shared/rpc/encode.ts";
import { callOp } from "../../shared/rpc/link.ts";

/** One message of a lane, as it goes on the wire. */
export interface LaneMessage {
  /** Name of the method, e.g. "Reserve". */
  readonly lane: string;
  readonly to: "server" | "client";
  /** Items or results in it, but for acknowledgements. */
  readonly entries: number;
  /** Frames of streams among them. */
  readonly frames: number;
}

/** The encoders of shared/rpc, which `tell` of every message that they give to the wire. */
export function watchedEncoders(real: typeof Encode, tell: (message: LaneMessage) => void): typeof Encode {
  return {
    ...real,
    createItemEncoder(shape) {
      const encodeItems = real.createItemEncoder(shape);
      const lane = nameOf(shape);
      return (items, maxBytes, write, unsent) => {
        const entries = items.filter(({ op }) => op !== callOp.acknowledge).length;
        // Acknowledgements wait for items to travel with; those of a lane that has had none for a while go by a timer.
        const told = entries === 0 ? () => undefined : tell;
        const message: LaneMessage = { lane, to: "server", entries, frames: 0 };
        encodeItems(items, maxBytes, watchedWrite(write, message, told), unsent);
      };
    },
    createResultEncoder(shape) {
      const encodeResults = real.createResultEncoder(shape);
      const lane = nameOf(shape);
      return (results, maxBytes, write, unsent) => {
        const frames = results.filter(({ kind }) => kind === "frame").length;
        const message: LaneMessage = { lane, to: "client", entries: results.length, frames };
        encodeResults(results, maxBytes, watchedWrite(write, message, tell), unsent);
      };
    },
  };
}

function nameOf({ path }: { readonly path: string }): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** A large batch is cut into several messages: what is in it is told with the first. */
function watchedWrite(
  write: Encode.WriteMessage,
  message: LaneMessage,
  tell: (message: LaneMessage) => void,
): Encode.WriteMessage {
  let next = message;
  return (bytes) => {
    tell(next);
    next = { ...message, entries: 0, frames: 0 };
    write(bytes);
  };
}
