import { setFlagsFromString } from "node:v8";

/**
 * Has this process make all objects in the young generation. Call it before anything else runs.
 *
 * V8 counts which objects of a place in the code live on while that place is warmed up. Where nearly all do, because streams
 * ran or the machine was slow, it makes all later ones in the old generation, for as long as the process lives. An object of
 * an ended request then keeps all that it leads to, such as the client's response, until the next full collection. In two
 * of three starts under load 9 kB of each request were moved to the old generation, in the others 1 to 2.
 */
export function keepAllocationsYoung(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}
