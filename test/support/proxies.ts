/**
 * Real proxies in front of a gRPC server: nginx and Envoy, where they are installed (.ci/install-tools). Each
 * listens on a Unix socket in a folder of its own, so that no port is fixed.
 *
 *   await using proxy = startNginx(`grpc_pass grpc://${world.address};`);
 *   const client = world.client({ address: proxy.address });
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "tessera");

/** The path of nginx, or undefined. */
export const NGINX = find("nginx", ["/usr/sbin"]);
/** The path of Envoy, or undefined. */
export const ENVOY = find("envoy", [join(cache, "envoy/envoy/_bin")]);

/** A proxy that runs until it is disposed of. */
export interface RunningProxy extends AsyncDisposable {
  /** Where it listens, as a gRPC target. */
  readonly address: string;
  /** What it said on stderr so far. */
  said(): string;
}

/** An nginx with one location, written as in its configuration. */
export function startNginx(location: string): RunningProxy {
  return start(NGINX, (folder, socket) => {
    const file = join(folder, "nginx.conf");
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (kind) => `${kind}_temp_path ${folder}/${kind};`,
    );
    const lines = [
      "daemon off;",
      "master_process off;",
      `pid ${folder}/pid;`,
      "error_log stderr;",
      "events {}",
      `http { access_log off; ${temporary.join(" ")}`,
      `server { listen unix:${socket} http2; location / { ${location} } } }`,
    ];
    writeFileSync(file, lines.join("\n"));
    return ["-p", folder, "-e", "stderr", "-c", file];
  });
}

/** What an Envoy is told beside where it listens and where it sends. */
export interface EnvoyConfig {
  /** Fields of its HttpConnectionManager. */
  readonly manager?: object;
  /** Fields of its one route's action. */
  readonly route?: object;
}

/** An Envoy that sends every call to one server, `host:port`. */
export function startEnvoy(upstream: string, { manager, route }: EnvoyConfig = {}): RunningProxy {
  const [host, port] = upstream.split(":");
  const typed = (type: string, fields: object) => ({
    "@type": `type.googleapis.com/envoy.extensions.${type}`,
    ...fields,
  });
  const routes = [{ match: { prefix: "/" }, route: { cluster: "server", timeout: "0s", ...route } }];
  const router = {
    name: "envoy.filters.http.router",
    typed_config: typed("filters.http.router.v3.Router", {}),
  };
  const http = typed("filters.network.http_connection_manager.v3.HttpConnectionManager", {
    stat_prefix: "in",
    codec_type: "HTTP2",
    route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
    http_filters: [router],
    ...manager,
  });
  const filter = { name: "envoy.filters.network.http_connection_manager", typed_config: http };
  const address = { socket_address: { address: host, port_value: Number(port) } };
  const cluster = {
    name: "server",
    type: "STRICT_DNS",
    dns_lookup_family: "V4_ONLY",
    load_assignment: {
      cluster_name: "server",
      endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
    },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
        "upstreams.http.v3.HttpProtocolOptions",
        {
          explicit_http_config: { http2_protocol_options: {} },
        },
      ),
    },
  };
  return start(ENVOY, (_folder, socket) => {
    const listener = { address: { pipe: { path: socket } }, filter_chains: [{ filters: [filter] }] };
    const config = { static_resources: { listeners: [listener], clusters: [cluster] } };
    const quiet = ["--disable-hot-restart", "--concurrency", "1", "--log-level", "warn"];
    return [...quiet, "--config-yaml", JSON.stringify(config)];
  });
}

/** Starts a proxy with the arguments that `configure` makes for a folder and a socket in it. */
function start(
  program: string | undefined,
  configure: (folder: string, socket: string) => string[],
): RunningProxy {
  if (program === undefined)
    throw new Error("the proxy is not installed: this test should have been skipped");
  const folder = mkdtempSync(join(tmpdir(), "proxy-"));
  const socket = join(folder, "s");
  const child = spawn(program, configure(folder, socket), { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "close");
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  return {
    address: `unix:${socket}`,
    said: () => said,
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

function find(name: string, besides: readonly string[]): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter).filter(Boolean), ...besides];
  return folders.map((folder) => join(folder, name)).find(existsSync);
}
