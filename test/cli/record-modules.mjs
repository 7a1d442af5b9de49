// With `node --import`: writes the address of every module that is loaded into the file named by MODULES.
import { register } from "node:module";

const hooks = `
import { appendFileSync } from "node:fs";
export function load(url, context, next) {
  appendFileSync(${JSON.stringify(process.env.MODULES)}, url + "\\n");
  return next(url, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
