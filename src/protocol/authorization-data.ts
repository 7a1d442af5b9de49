/** Authorization data (RFC 4120 §5.2.6): restrictions and statements for the service, in a ticket. */
import { AdIfRelevantSchema, type AuthorizationData } from "../gen/kerberos/v1/sealed_pb.js";
import { KrbError } from "./krb-error.js";
import { decodeCanonical, NotCanonicalError } from "./strict-decode.js";

/** One element of authorization data. */
export interface AuthorizationElement {
  readonly type: number;
  readonly data: Uint8Array;
}

/** The type of an element that holds others, which a service may pass over (RFC 4120 §5.2.6.1). */
export const AD_IF_RELEVANT = 1;

const NONE: readonly AuthorizationElement[] = [];

/**
 * The elements that a service understands, those within AD-IF-RELEVANT among them.
 * @param understood the types that it understands.
 * @throws KrbError KDC_ERR_POLICY for an element of another type outside AD-IF-RELEVANT;
 *   KRB_AP_ERR_MODIFIED for an AD-IF-RELEVANT that no KDC makes.
 */
export function understoodElements(
  elements: readonly AuthorizationElement[],
  understood: readonly number[],
): readonly AuthorizationElement[] {
  if (elements.length === 0) return NONE;
  return elements.flatMap((element) => {
    if (understood.includes(element.type)) return [element];
    if (element.type === AD_IF_RELEVANT)
      return elementsWithin(element).filter(({ type }) => understood.includes(type));
    throw new KrbError(
      "KDC_ERR_POLICY",
      `authorization data of type ${element.type} is not understood here`,
      { rule: "authorization-data", type: String(element.type) },
    );
  });
}

function elementsWithin({ data }: AuthorizationElement): readonly AuthorizationData[] {
  try {
    const { elements } = decodeCanonical(AdIfRelevantSchema, data);
    if (elements.length > 0 && elements.every(({ type }) => type !== AD_IF_RELEVANT)) return elements;
  } catch (error) {
    if (!(error instanceof NotCanonicalError)) throw error;
  }
  throw new KrbError("KRB_AP_ERR_MODIFIED", "ticket.authorization_data: not as a KDC makes it", {
    field: "ticket.authorization_data",
  });
}
