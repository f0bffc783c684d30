// Makes the image, with any builder, or the same files without one.
//
//   node deploy/image.mjs build [tag]        docker, podman, nerdctl or buildah, whichever works first
//   node deploy/image.mjs assemble <folder>  the files of deploy/Dockerfile's last stage under <folder>, with this machine's
//                                            Node and the libraries that it needs: what `chroot` can run
//   node deploy/image.mjs check <folder>     runs every role in there by `chroot`, as the image's user (needs root): each must
//                                            come as far as asking for its settings, or serve without any
//
// NODE_IMAGE names the base by its digest (node:24.21.0-slim@sha256:...); without it the builder is asked for the digest of
// its tag now, so that what was built can be built again. Node's own modules only.

import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const dockerfile = readFileSync(join(root, "deploy/Dockerfile"), "utf8");
const builders = ["docker", "podman", "nerdctl", "buildah"];
/** The form of OCI, which these two would take, has no health check. */
const dockerForm = ["--format", "docker"];
const run = (command, args, options = {}) =>
  execFileSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"], ...options });
const text = (command, args) => execFileSync(command, args, { cwd: root, encoding: "utf8" }).trim();

const ignored = readFileSync(join(root, "deploy/Dockerfile.dockerignore"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("**/"))
  .map((line) => new RegExp(`^${line.slice(3).replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`));

/** The first words of each role when it is started without settings. */
const firstWords = {
  gateway: /GRPC_SECRET must be set/,
  routing: /GRPC_SECRET must be set/,
  billing: /GRPC_SECRET must be set/,
  provider: /GRPC_SECRET must be set/,
  history: /GRPC_SECRET must be set/,
  jobs: /GRPC_SECRET must be set/,
  migrate: /DATABASE_URL must be set/,
  simulator: /simulated upstream listening/,
};

const [what, argument] = process.argv.slice(2);
if (what === "build") build(argument ?? "throughline");
else if (what === "assemble" && argument !== undefined) assemble(argument);
else if (what === "check" && argument !== undefined) check(argument);
else {
  process.stderr.write("usage: image.mjs build [tag] | assemble <folder> | check <folder>\n");
  process.exitCode = 2;
}

function build(tag) {
  // The command alone does not tell: docker's is often there where its daemon is not.
  const asked = builders.map((name) => ({ name, ...spawnSync(name, ["info"], { encoding: "utf8" }) }));
  const builder = asked.find(({ status }) => status === 0)?.name;
  if (builder === undefined) {
    process.stderr.write(`image.mjs: none of ${builders.join(", ")} is installed and works\n`);
    for (const { name, error, stderr } of asked) {
      if (error === undefined) process.stderr.write(`  ${name}: ${stderr.trim().split("\n").at(-1)}\n`);
    }
    process.exitCode = 1;
    return;
  }
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const given = { NODE_IMAGE: pinnedBase(builder), VERSION: version, REVISION: text("git", ["rev-parse", "HEAD"]) };
  const args = Object.entries(given).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]);
  const form = builder === "buildah" || builder === "podman" ? dockerForm : [];
  run(builder, [builder === "buildah" ? "bud" : "build", ...form, "-f", "deploy/Dockerfile", "-t", tag, ...args, "."]);
}

/** The base with its digest. */
function pinnedBase(builder) {
  // biome-ignore lint/style/noProcessEnv: it runs by itself, without the configuration of a process.
  const { NODE_IMAGE } = process.env;
  if (NODE_IMAGE) return NODE_IMAGE;
  const [, base = ""] = /^ARG NODE_IMAGE=(\S+)$/m.exec(dockerfile) ?? [];
  if (base.includes("@sha256:")) return base;
  run(builder, ["pull", base]);
  const digest = text(builder, ["inspect", "--format", "{{index .RepoDigests 0}}", base]).split("@")[1];
  return `${base}@${digest}`;
}

/** Follows the Dockerfile: its last stage's copies, and the commands of the stages that they come from. */
function assemble(folder) {
  const app = join(folder, "app");
  mkdirSync(app, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), "throughline-image-"));
  try {
    const [, dependencies = "", , last = ""] = dockerfile.split(/^FROM /m);
    runStage(dependencies, work);
    for (const [, from, source, target] of last.matchAll(/^COPY (?:--from=(\S+) )?(\S+) (\S+)$/gm)) {
      if (from === "dependencies") cpSync(join(work, relative("/app", source)), join(app, target), { recursive: true });
      else if (from === "console") copyConsole(join(app, target));
      else copy(source, join(app, target.endsWith("/") ? join(target, basename(source)) : target));
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  addNode(folder);
}

/** The copies and commands of a stage, in a folder. */
function runStage(stage, into) {
  for (const [, sources, target] of stage.matchAll(/^COPY (.+) (\S+)$/gm)) {
    for (const source of sources.split(" ")) {
      mkdirSync(join(into, target), { recursive: true });
      cpSync(join(root, source), join(into, target, basename(source)));
    }
  }
  for (const [, command] of stage.matchAll(/^RUN (.+)$/gm)) {
    // A cache that this machine needs is no part of an image.
    run("sh", ["-c", command.replace(/ && npm cache clean --force/, "")], { cwd: into });
  }
}

function copyConsole(target) {
  const built = join(root, "console/dist");
  if (!existsSync(built)) run(process.execPath, ["console/build.mjs"]);
  cpSync(built, target, { recursive: true });
}

function copy(source, target) {
  mkdirSync(dirname(target), { recursive: true });
  cpSync(join(root, source), target, {
    recursive: true,
    filter: (path) => !ignored.some((one) => one.test(basename(path))),
  });
}

/** Node, the libraries that it is linked with, and the user without rights. Authorities are in Node itself. */
function addNode(folder) {
  const node = realpathSync(process.execPath);
  const put = (path) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    copyFileSync(path, join(folder, path));
  };
  mkdirSync(join(folder, "usr/local/bin"), { recursive: true });
  copyFileSync(node, join(folder, "usr/local/bin/node"));
  const native = readdirSync(join(folder, "app/node_modules"), { recursive: true })
    .filter((path) => path.endsWith(".node"))
    .map((path) => join(folder, "app/node_modules", path));
  for (const linked of [node, ...native]) {
    for (const [, library] of text("ldd", [linked]).matchAll(/(\/\S+\.so\S*)/g)) put(library);
  }
  mkdirSync(join(folder, "tmp"), { recursive: true, mode: 0o1777 });
  mkdirSync(join(folder, "dev"), { recursive: true });
  mkdirSync(join(folder, "proc"), { recursive: true });
  mkdirSync(join(folder, "etc"), { recursive: true });
  writeFileSync(join(folder, "etc/passwd"), "node:x:1000:1000::/:/usr/sbin/nologin\n");
  writeFileSync(join(folder, "etc/hosts"), "127.0.0.1 localhost\n");
}

function check(folder) {
  for (const [role, expected] of Object.entries(firstWords)) {
    const args = ["30", "chroot", "--userspec=1000:1000", folder, "/usr/local/bin/node", "/app/cli/main.ts", role];
    const env = { PATH: "/usr/local/bin:/usr/sbin:/usr/bin", HOST: "127.0.0.1", PORT: "0" };
    const { stdout, stderr } = spawnSync("timeout", args, { encoding: "utf8", env });
    const isAsExpected = expected.test(stdout + stderr);
    process.stdout.write(`${role}: ${isAsExpected ? "runs" : (stdout + stderr).slice(0, 500)}\n`);
    if (!isAsExpected) process.exitCode = 1;
  }
}
