/**
 * Who may call what: rules by method, service or package.
 *
 * allow: { "orders.v1.OrderService": ["*@EXAMPLE.TEST"], "orders.v1.OrderService/Cancel": ["alice@…",
 * "root/admin@…"] }
 *
 * Where there are rules they cover everything: a method without one is refused to all. A pattern is a
 * principal in which a `*` stands for one whole component.
 */
import { KrbError } from "../../protocol/krb-error.js";
import { componentsOf, type Principal, parsePrincipal, realmOf } from "../../protocol/principal.js";
import { MethodTable } from "../../rpc/method-table.js";
import type { Caller } from "./caller.js";

/**
 * Principals that may call, or a function that decides. What a function throws is the call's end, as from a
 * handler.
 */
export type CallerRule = readonly string[] | ((caller: Caller, method: string) => boolean | Promise<boolean>);

/** Rules by `package.Service/Method`, `package.Service`, `package.*` or `*`; the most specific counts. */
export type CallerRules = Readonly<Record<string, CallerRule>>;

type Decide = (caller: Caller, method: string) => boolean | Promise<boolean>;

/** Rules, read once. */
export class CallerPolicy {
  readonly #table: MethodTable<Decide> | undefined;

  /** @throws TypeError for a name or a pattern outside its grammar. */
  constructor(rules: CallerRules | undefined) {
    if (rules === undefined) return;
    const rows = Object.entries(rules).map(([name, rule]) => [name, readRule(name, rule)] as const);
    this.#table = new MethodTable(rows, "allow");
  }

  /**
   * Lets a caller pass.
   * @param method `/package.Service/Method`.
   * @throws KrbError KDC_ERR_POLICY that names the rule.
   */
  async check(caller: Caller, method: string): Promise<void> {
    if (this.#table === undefined) return;
    const row = this.#table.find(method);
    if (row === undefined) throw refused(caller, method, "none", "no rule lets anybody in");
    const allowed = await row.value(caller, method);
    if (allowed !== true) throw refused(caller, method, row.name, `rule ${row.name} does not let it in`);
  }

  /** Whether there is anything to check. */
  get isEmpty(): boolean {
    return this.#table === undefined;
  }
}

function readRule(name: string, rule: CallerRule): Decide {
  if (typeof rule === "function") return rule;
  if (!Array.isArray(rule))
    throw new TypeError(`allow: ${name}: expected a list of principals or a function, got ${typeof rule}`);
  const patterns = (rule as readonly string[]).map((text) => readPattern(name, text));
  return ({ principal }) => patterns.some((matches) => matches(principal));
}

function readPattern(name: string, text: string): (principal: Principal) => boolean {
  const at = text.indexOf("@");
  const wanted = text.slice(0, Math.max(at, 0)).split("/");
  // A `*` takes the place of a component: with a letter in its place, the pattern must be a principal.
  const model = `${wanted.map((component) => (component === "*" ? "x" : component)).join("/")}${text.slice(at)}`;
  let realm: string;
  try {
    realm = realmOf(parsePrincipal(at < 0 ? text : model, "pattern"));
  } catch {
    throw new TypeError(
      `allow: ${name}: expected primary/instance@REALM, * for a whole component, got ${JSON.stringify(text)}`,
    );
  }
  return (principal) => {
    const components = componentsOf(principal);
    return (
      realmOf(principal) === realm &&
      components.length === wanted.length &&
      components.every((component, index) => wanted[index] === "*" || wanted[index] === component)
    );
  };
}

function refused({ principal }: Caller, method: string, rule: string, why: string): KrbError {
  return new KrbError("KDC_ERR_POLICY", `${principal} may not call ${method}: ${why}`, {
    rule: `allow: ${rule}`,
    client: principal,
    method,
  });
}
