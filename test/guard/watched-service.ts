import type { DescService } from "@bufbuild/protobuf";
import type { ServiceDefinition } from "../../shared/rpc/index.ts";

type Handler = ServiceDefinition["handlers"][string];

/** The same service; `tell` hears the name of every call that it takes, e.g. "Billing.Reserve". */
export function watchedService<S extends DescService>(
  { service, handlers }: ServiceDefinition<S>,
  tell: (call: string) => void,
): ServiceDefinition<S> {
  const watched = service.methods.map(({ name, localName }): [string, Handler] => {
    const handler = handlers[localName];
    if (handler === undefined) throw new Error(`${service.name}.${name} has no handler`);
    const call = `${service.name.replace(/Service$/, "")}.${name}`;
    return [localName, handler.kind === "unary" ? watchedUnary(handler, call, tell) : watchedLane(handler, call, tell)];
  });
  return { service, handlers: Object.fromEntries(watched) };
}

function watchedUnary(
  handler: Extract<Handler, { kind: "unary" }>,
  call: string,
  tell: (call: string) => void,
): Handler {
  return {
    ...handler,
    run(request, context) {
      tell(call);
      return handler.run(request, context);
    },
  };
}

function watchedLane(
  handler: Exclude<Handler, { kind: "unary" }>,
  call: string,
  tell: (call: string) => void,
): Handler {
  return {
    ...handler,
    accept(taken) {
      tell(call);
      handler.accept(taken);
    },
  };
}
