// npm run simulate [-- --seed N --exchanges N]: a realm lives through faults, from one seed.
//
// The whole of a realm in one process, with no socket, no thread and no clock of the machine's: AS, TGS and V
// behind the seam of src/rpc (dispatcher.mjs), guarded services (guarded-server.mjs), the client with its
// interceptors (actor.mjs, channel.mjs), and stores on disks that lose what was not synced (disk.mjs).
// realm.mjs says who there is. They are the modules of `dist`, as they are. Time, timers and random numbers
// are the simulation's (determinism.mjs, scheduler.mjs, random.mjs), so that the same seed gives the same
// bytes, whatever happens.
//
// What happens (world.mjs): users log in, get tickets, call and keep notes; requests and answers are lost,
// late, repeated, overtaken, kept and sent again, brought to other processes, and swapped (network.mjs);
// processes are killed, machines lose their power (processes.mjs), clocks are stepped, disks are slow or
// refuse; passwords and keys are changed and users disabled (admin.mjs); Mallory makes messages that no
// client makes (attacker.mjs). Then the faults stop. What goes over TLS, nobody keeps, repeats or swaps.
//
// What must hold at each step is in oracle.mjs: nobody gets in twice, as another, elsewhere, below the floor
// or by something old; nothing acknowledged is lost; every call ends; honest users get in once faults stop.
//
// A seed that fails is printed, and kept in seeds.txt, which the tests run from then on. `--trace FILE`
// writes all that happens; `--dist FOLDER` runs another build, `--json` prints the outcome for programs:
// neither keeps seeds. planted.mjs plants bugs, and has the simulation find each.
import { randomInt } from "node:crypto";
import { appendFileSync, createWriteStream } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { takeOver } from "./determinism.mjs";
import { loadProduct } from "./product.mjs";
import { Random } from "./random.mjs";
import { Scheduler } from "./scheduler.mjs";
import { BEGIN, simulate } from "./world.mjs";

const SEEDS = new URL("seeds.txt", import.meta.url);

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(randomInt(1, 2 ** 31)) },
    exchanges: { type: "string", default: "10000" },
    dist: { type: "string" },
    trace: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const [seed, exchanges] = [Number(values.seed), Number(values.exchanges)];
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(exchanges) || exchanges < 1) {
  console.error("simulate: --seed and --exchanges are whole numbers");
  process.exit(2);
}

const scheduler = new Scheduler(BEGIN);
takeOver(scheduler, new Random(seed, "secrets"));
const file = values.trace && createWriteStream(values.trace);
const product = await loadProduct(values.dist ?? fileURLToPath(new URL("../../dist", import.meta.url)));
const random = new Random(seed, "world");
const write = file && ((line) => file.write(line));
const outcome = await simulate({ product, scheduler, random, exchanges, write });
const { user, system } = process.cpuUsage();
const cpuSeconds = (user + system) / 1e6;

if (values.json) console.log(JSON.stringify({ seed, ...outcome, cpuSeconds }));
else {
  console.log(`seed ${seed}, ${exchanges} exchanges; digest of all that happened: ${outcome.digest}`);
  for (const [name, figure] of Object.entries({
    exchanges: outcome.exchanges,
    "days of the realm": outcome.days.toFixed(1),
    logins: outcome.logins,
    faults: outcome.faults,
    "seconds of CPU": cpuSeconds.toFixed(1),
  }))
    console.log(`  ${name}: ${figure}`);
  for (const violation of outcome.violations) console.log(`VIOLATED ${JSON.stringify(violation)}`);
}
if (outcome.violations.length > 0) {
  process.exitCode = 1;
  if (values.dist === undefined && !values.json) appendFileSync(SEEDS, `${seed} ${exchanges}\n`);
  console.error(`to see it again: npm run simulate -- --seed ${seed} --exchanges ${exchanges}`);
}
file?.end();
