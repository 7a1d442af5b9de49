/** Which refusals a new ticket mends. */
import * as grpc from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { isMendedByTicket } from "../../../src/client/guard/refused-ticket.js";
import { KrbError, type KrbErrorName } from "../../../src/protocol/krb-error.js";
import { RpcError } from "../../../src/rpc/rpc-error.js";
import { fromServiceError, toStatus } from "../../../src/rpc/status.js";

const rows: { reason: KrbErrorName; details?: Record<string, string>; mended: boolean }[] = [
  { reason: "KRB_AP_ERR_BADKEYVER", mended: true },
  { reason: "KRB_AP_ERR_NOKEY", mended: true },
  { reason: "KRB_AP_ERR_TKT_EXPIRED", mended: true },
  { reason: "KDC_ERR_ETYPE_NOSUPP", mended: true },
  { reason: "KRB_AP_ERR_BAD_INTEGRITY", details: { part: "ticket" }, mended: true },
  { reason: "KRB_AP_ERR_BAD_INTEGRITY", details: { part: "authenticator" }, mended: false },
  { reason: "KRB_AP_ERR_BAD_INTEGRITY", details: { part: "request" }, mended: false },
  { reason: "KRB_AP_ERR_NOT_US", mended: false },
  { reason: "KRB_AP_ERR_TKT_NYV", mended: false },
  { reason: "KRB_AP_ERR_SKEW", mended: false },
  { reason: "KRB_AP_ERR_REPEAT", mended: false },
  { reason: "KRB_AP_ERR_MODIFIED", mended: false },
  { reason: "KDC_ERR_POLICY", mended: false },
  { reason: "KDC_ERR_SVC_UNAVAILABLE", mended: false },
];

test.each(rows)("a new ticket mends $reason $details: $mended", ({ reason, details, mended }) => {
  expect(isMendedByTicket(fromServiceError(toStatus(new KrbError(reason, "refused", details))))).toBe(mended);
});

test("a new ticket mends no status without a refusal in it", () => {
  const status = toStatus(new RpcError(grpc.status.UNAUTHENTICATED, "KRB_AP_ERR_BADKEYVER"));
  expect(isMendedByTicket(fromServiceError(status))).toBe(false);
});
