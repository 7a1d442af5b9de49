"""Refusals: RFC 4120's name and number, and how they travel (docs/protocol.md, "Refusals"). Done for you."""

import grpc

_UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED

# The refusals of the exercise: the RFC's number, and the gRPC code.
REASONS = {
    "KDC_ERR_S_PRINCIPAL_UNKNOWN": (7, grpc.StatusCode.NOT_FOUND),
    "KDC_ERR_NEVER_VALID": (11, grpc.StatusCode.FAILED_PRECONDITION),
    "KDC_ERR_ETYPE_NOSUPP": (14, grpc.StatusCode.FAILED_PRECONDITION),
    "KRB_AP_ERR_BAD_INTEGRITY": (31, _UNAUTHENTICATED),
    "KRB_AP_ERR_TKT_EXPIRED": (32, _UNAUTHENTICATED),
    "KRB_AP_ERR_TKT_NYV": (33, _UNAUTHENTICATED),
    "KRB_AP_ERR_REPEAT": (34, _UNAUTHENTICATED),
    "KRB_AP_ERR_NOT_US": (35, _UNAUTHENTICATED),
    "KRB_AP_ERR_BADMATCH": (36, _UNAUTHENTICATED),
    "KRB_AP_ERR_SKEW": (37, _UNAUTHENTICATED),
    "KRB_AP_ERR_MODIFIED": (41, _UNAUTHENTICATED),
    "KRB_AP_ERR_BADKEYVER": (44, _UNAUTHENTICATED),
    "KRB_AP_ERR_INAPP_CKSUM": (50, _UNAUTHENTICATED),
    "KRB_ERR_GENERIC": (60, grpc.StatusCode.INVALID_ARGUMENT),
}


class Refusal(Exception):
    """Raise it: the client sees the reason, its number and the text."""

    def __init__(self, reason, text):
        super().__init__(text)
        self.reason, self.text = reason, text
        self.number, self.code = REASONS[reason]
