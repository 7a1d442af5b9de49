/** A message (5) that V has never seen, delivered an hour late to a V whose clock has been set back. */
import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { PutNoteRequestSchema } from "../../client/index.js";
import { makeAccessReq } from "../../protocol/access-exchange.js";
import { type Attack, attempt, everywhere } from "./attack.js";
import { askWhoIAm, sendAccess } from "./means/access.js";
import { listenTo } from "./means/listening.js";

const HOUR = 3_600_000;

/** The row. */
export const heldBack: Attack = {
  name: "held-back",
  title: "A call held back for an hour, delivered when V's clock is turned back",
  topic: "replays",
  has: "the wire, on which she can hold messages back, and a hand on V's clock",
  lesson:
    "This is no replay: V has never seen the message. Mallory keeps it from arriving, alice takes the " +
    "network to be at fault, and an hour later mallory turns V's clock back and delivers it. Nothing in " +
    "the message shows how long it travelled except its time, and by V's clock the time is good. Kerberos " +
    "takes for granted that clocks are right to within the skew; whoever sets a server's clock chooses " +
    "what is fresh. What helps is to authenticate the time that servers go by, or not to go by time: the " +
    "guard's challenges and sessions do not.",
  expected: everywhere("ALLOWED"),
  async run(realm, told) {
    const { victim } = await listenTo(realm, realm.users.alice, "meet at noon");
    realm.turn(1000);
    const note = { name: "plan", text: "meet at midnight" };
    const operation = toBinary(AnySchema, anyPack(PutNoteRequestSchema, create(PutNoteRequestSchema, note)));
    const { request } = makeAccessReq(victim.credentials, operation, realm.now);
    told('alice changes her note to "meet at midnight"; mallory does not let message (5) through');
    realm.turn(HOUR);
    await askWhoIAm(realm, victim.credentials);
    told("an hour passes; alice goes on working, and her note says noon");
    realm.turn(-HOUR);
    told("mallory turns V's clock back by an hour and delivers the message");
    return attempt("V", async () => {
      await sendAccess(realm, request);
      return `V carried out a call of an hour ago: alice's note says “${await victim.read()}”`;
    });
  },
};
