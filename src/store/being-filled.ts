/** The refusal of a store that another program fills at the moment. */
import { StoreError } from "./store-error.js";

/** @param place names the store in the message. */
export function beingFilled(place: string, cause?: unknown): StoreError {
  return new StoreError("busy", `${place}: another program is filling it at this moment`, {
    hint: "wait until that has ended; if it was interrupted, run it again",
    cause,
  });
}
