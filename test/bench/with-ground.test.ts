import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import type { Ground } from "./subjects/ground.ts";
import { Interrupted, withGround } from "./with-ground.ts";

const runs = (pid: number): boolean => existsSync(`/proc/${pid}`);

test.runIf(process.platform === "linux")(
  "a bench that is told to stop ends its processes, removes its folder, and starts nothing more",
  async () => {
    const said: string[] = [];
    const opened = Promise.withResolvers<Ground>();
    const stopped = withGround(
      (text) => said.push(text),
      async (ground) => {
        opened.resolve(ground);
        await new Promise(() => undefined);
      },
    );
    const ground = await opened.promise;
    const { pid } = ground.spawnNode("waiting", ["-e", "setInterval(() => undefined, 1000)"], {});
    expect([runs(pid), runs(ground.upstreamProcess.pid), existsSync(ground.folder)]).toEqual([true, true, true]);
    process.emit("SIGINT", "SIGINT");
    await expect(stopped).rejects.toThrow(new Interrupted("SIGINT"));
    expect([runs(pid), runs(ground.upstreamProcess.pid), existsSync(ground.folder)]).toEqual([false, false, false]);
    expect(said).toEqual(["SIGINT: ending what runs"]);
    expect(() => ground.spawnNode("late", ["-e", ""], {})).toThrow("late is not started any more");
  },
);
