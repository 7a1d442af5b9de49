/** A name that nobody ever resolves: grpc-js waits for it as long as a call may wait. */
import * as grpc from "@grpc/grpc-js";

/** A target whose name is never resolved. */
export const NEVER_RESOLVED = "never:///nowhere";

class NeverResolver {
  updateResolution(): void {}
  destroy(): void {}
  static getDefaultAuthority(): string {
    return "nowhere";
  }
}
grpc.experimental.registerResolver("never", NeverResolver as never);
