/** `buf curl`: an independent client (Go, with its own HTTP/2 and gRPC code) that is always there. */
import { execFile } from "node:child_process";

/** The outcome of a command. */
export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, whatever its exit code, with `input` on stdin. */
export function run(command: string, args: readonly string[], input = ""): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(command, args, { maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      resolve({ exit: error === null ? 0 : Number(error.code), stdout, stderr });
    });
    child.stdin?.end(input);
  });
}

const BUF = "node_modules/.bin/buf";

/**
 * `buf curl` against a server without TLS.
 * @param target `host:port`, or `host:port/package.Service/Method`.
 */
export function bufCurl(target: string, ...args: readonly string[]): Promise<Ran> {
  return run(BUF, ["curl", "--http2-prior-knowledge", "--protocol", "grpc", ...args, `http://${target}`]);
}

/**
 * The error that `buf curl` printed: gRPC's code in lower case, the text, and the details by type and base64.
 */
export function bufError({ stderr }: Ran): {
  readonly code: string;
  readonly message: string;
  readonly details?: readonly { readonly type: string; readonly value: string }[];
} {
  return JSON.parse(stderr.slice(stderr.indexOf("{")));
}
