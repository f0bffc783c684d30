import type { MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ThroughlineError } from "../shared/errors/error.ts";
import type {
  AdministrationEvent,
  ListAdministrationRequest,
  RecordAdministrationRequest,
} from "../shared/gen/throughline/billing/v1/billing_pb.ts";
import type {
  ConfigurationChangeSchema,
  ListConfigurationChangesRequest,
} from "../shared/gen/throughline/routing/v1/routing_pb.ts";
import { unaryHandler } from "../shared/rpc/index.ts";
import { type Stubs, startTestGateway } from "./testing.ts";

type Change = MessageInitShape<typeof ConfigurationChangeSchema>;

/** Routing with these changes, and billing with a trail that it keeps, for any number of gateways. */
function createWorld() {
  let changes: Change[] = [];
  const events: AdministrationEvent[] = [];
  const world = {
    away: false,
    events,
    /** Numbers of versions, oldest first. */
    versions: () => events.map(({ target }) => Number(target?.split(" ")[1])),
    loads: (...versions: number[]) => {
      changes = [...changes, ...versions.map(changeOf)];
    },
    isMadeAnew: () => {
      changes = [];
    },
    stubs: {
      routing: {
        listConfigurationChanges: unaryHandler(
          async ({ afterVersion, beforeVersion, limit }: ListConfigurationChangesRequest) => ({
            newestVersion: changes.at(-1)?.version ?? 0n,
            changes: changes
              .filter(({ version = 0n }) => version > afterVersion && (beforeVersion === 0n || version < beforeVersion))
              .toReversed()
              .slice(0, limit),
          }),
        ),
      },
      billing: {
        listAdministration: unaryHandler(async ({ target }: ListAdministrationRequest) => ({
          events: events.filter((event) => event.target === target),
        })),
        recordAdministration: unaryHandler(async ({ event, once }: RecordAdministrationRequest) => {
          if (world.away) throw new ThroughlineError("service_unavailable", "Away.");
          const isThere = events.some(({ target }) => once && target === event?.target);
          if (event !== undefined && !isThere) events.push(event);
          return {};
        }),
      },
    } satisfies Stubs,
  };
  return world;
}

const changeOf = (version: number): Change => ({
  ...{ version: BigInt(version), digest: `${version}`.repeat(64), source: "house.yaml", appliedUnixUs: 1_000_000n },
  ...{ beforeJson: '{"channels":{}}', afterJson: '{"channels":{"a":{}}}' },
});

const settled = (holds: () => boolean) => expect.poll(holds, { timeout: 10_000 }).toBe(true);

describe("what the configuration file changes", () => {
  test("is in the trail once, in its order, by however many gateways, and names the file", async () => {
    const world = createWorld();
    world.loads(3);
    await using _one = await startTestGateway(world.stubs);
    await using _two = await startTestGateway(world.stubs);
    await settled(() => world.versions().length === 1);
    world.loads(...Array.from({ length: 25 }, (_, n) => n + 4));
    await settled(() => world.versions().length === 26);
    expect(world.versions()).toEqual(Array.from({ length: 26 }, (_, n) => n + 3));
    expect(world.events[0]).toMatchObject({
      ...{ procedure: "configuration.load", actor: "file house.yaml", actorKeyId: 0n, outcome: "done" },
      ...{ target: "configuration 3 3333333333333333", beforeJson: '{"channels":{}}' },
    });
    expect(JSON.parse(world.events[0]?.valuesJson ?? "")).toMatchObject({ version: "3", source: "house.yaml" });
  });

  test("while no gateway ran, or billing was away, is entered later; where the trail never knew of it, the newest alone", async () => {
    const world = createWorld();
    world.loads(...Array.from({ length: 15 }, (_, n) => n + 1));
    {
      await using _first = await startTestGateway(world.stubs);
      await settled(() => world.versions().length === 1);
    }
    expect(world.versions()).toEqual([15]);
    world.away = true;
    world.loads(...Array.from({ length: 12 }, (_, n) => n + 16));
    {
      await using _away = await startTestGateway(world.stubs);
    }
    world.away = false;
    await using _later = await startTestGateway(world.stubs);
    await settled(() => world.versions().length === 13);
    expect(world.versions()).toEqual(Array.from({ length: 13 }, (_, n) => n + 15));
    world.isMadeAnew();
    world.loads(1, 2);
    await settled(() => world.versions().length === 14);
    expect(world.versions().at(-1)).toBe(2);
  });
});
