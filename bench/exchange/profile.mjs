// Where the CPU time of the measured server goes: a V8 profile, its samples grouped by what each function
// belongs to. A function of Node, V8 or a library counts in the group of its own file, whichever of our
// functions called it.
import { Session } from "node:inspector/promises";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("../../dist/", import.meta.url));

/** The first row that fits names the group; our own functions go by their room. */
const GROUPS = [
  ["idle", ({ functionName }) => functionName === "(idle)"],
  ["garbage collection", ({ functionName }) => functionName === "(garbage collector)"],
  ["native: sockets, HTTP/2, hashes", ({ functionName }) => functionName === "(program)"],
  ["grpc-js", ({ url }) => url.includes("@grpc/grpc-js")],
  ["protobuf-es", ({ url }) => url.includes("@bufbuild/protobuf")],
  [
    "node:http2, streams, net",
    ({ url }) => /^node:(internal\/)?(http2|streams?|net|_stream|stream_base)/.test(url),
  ],
  ["node:crypto", ({ url }) => /^node:(internal\/)?crypto/.test(url)],
  ["node, other", ({ url }) => url.startsWith("node:") || url === ""],
];

/**
 * Starts a profile of this process; the function it returns ends it and returns the self time of each
 * function.
 */
export async function startProfile() {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 200 });
  await session.post("Profiler.start");
  return async () => {
    const { profile } = await session.post("Profiler.stop");
    session.disconnect();
    return selfTimes(profile);
  };
}

/** Self time in microseconds by function, as `[{ group, name, us }]`, idle time left out. */
function selfTimes({ nodes, samples, timeDeltas }) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map();
  samples.forEach((id, i) => {
    const frame = frames.get(id);
    const group = groupOf(frame);
    if (group === "idle") return;
    const name = `${frame.functionName || "(anonymous)"} ${placeOf(frame)}`;
    const entry = times.get(name) ?? { group, name, us: 0 };
    entry.us += timeDeltas[i];
    times.set(name, entry);
  });
  return [...times.values()].sort((a, b) => b.us - a.us);
}

function groupOf(frame) {
  const found = GROUPS.find(([, fits]) => fits(frame));
  if (found !== undefined) return found[0];
  const path = pathOf(frame.url);
  return path.startsWith(DIST) ? `ours: ${path.slice(DIST.length).split("/")[0]}` : "the benchmark";
}

function placeOf({ url, lineNumber }) {
  if (url === "") return "";
  const path = pathOf(url);
  const short = path.startsWith(DIST) ? path.slice(DIST.length) : path.replace(/^.*node_modules\//, "");
  return `${short}:${lineNumber + 1}`;
}

function pathOf(url) {
  return url.startsWith("file:") ? fileURLToPath(url) : url;
}
