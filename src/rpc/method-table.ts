/**
 * Tables by method: `package.Service/Method`, `package.Service`, `package.*` (all services of a package and
 * of those inside it), or `*`. If several fit a method, the most specific one counts.
 */

/** Services that need no ticket on any guarded server. */
export const PUBLIC_SERVICES: readonly string[] = ["grpc.health.v1.Health", "grpc.reflection.*"];

const NAME = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;
const METHOD = /^[A-Za-z_]\w*$/;

/** A table whose rows are found by method. */
export class MethodTable<T> {
  readonly #rows = new Map<string, { readonly name: string; readonly value: T }>();
  readonly #found = new Map<string, { readonly name: string; readonly value: T } | undefined>();

  /**
   * @param rows names as above, each with or without a leading slash.
   * @throws TypeError for a name that fits no method.
   */
  constructor(rows: Iterable<readonly [string, T]>, what: string) {
    for (const [name, value] of rows) {
      const plain = name.startsWith("/") ? name.slice(1) : name;
      if (!isMethodName(plain))
        throw new TypeError(
          `${what}: expected package.Service/Method, package.Service, package.* or *, got ${JSON.stringify(name)}`,
        );
      this.#rows.set(plain, { name: plain, value });
    }
  }

  /** The row for a method's path, `/package.Service/Method`, with the name it stands under. */
  find(path: string): { readonly name: string; readonly value: T } | undefined {
    // grpc-js shows interceptors registered methods only, so this map stays small.
    if (this.#found.has(path)) return this.#found.get(path);
    const row = namesOf(path)
      .map((name) => this.#rows.get(name))
      .find((candidate) => candidate !== undefined);
    this.#found.set(path, row);
    return row;
  }
}

function isMethodName(name: string): boolean {
  if (name === "*") return true;
  if (name.endsWith(".*")) return NAME.test(name.slice(0, -2));
  const [service = "", method, ...more] = name.split("/");
  return more.length === 0 && NAME.test(service) && (method === undefined || METHOD.test(method));
}

/** Every name a method can stand under, the most specific first. */
function namesOf(path: string): string[] {
  const method = path.slice(1);
  const service = method.slice(0, method.indexOf("/"));
  const packages = service.split(".").slice(0, -1);
  const wildcards = packages.map((_, index) => `${packages.slice(0, packages.length - index).join(".")}.*`);
  return [method, service, ...wildcards, "*"];
}
