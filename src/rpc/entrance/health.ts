/** The health service (grpc.health.v1), which answers whatever the load. */

const PREFIX = "/grpc.health.v1.Health/";

/** Whether a path is one of its methods. */
export function isHealth(path: string | undefined): boolean {
  return path?.startsWith(PREFIX) === true;
}
