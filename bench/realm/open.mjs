// Opens a realm and prints how long that took, in milliseconds.
import { openRealm } from "../../dist/realm/open-realm.js";

const began = performance.now();
const realm = await openRealm(process.argv[2]);
console.log(performance.now() - began);
await realm.close();
