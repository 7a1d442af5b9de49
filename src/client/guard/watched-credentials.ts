/** Call credentials of the application, whose failure is not the service's. */
import * as grpc from "@grpc/grpc-js";

/** The same credentials; tells when they give nothing. */
export function watched(
  credentials: grpc.CallCredentials,
  onError: (error: Error) => void,
): grpc.CallCredentials {
  return grpc.credentials.createFromMetadataGenerator((parameters, callback) => {
    const given = credentials.generateMetadata(parameters);
    given.then(
      (metadata) => callback(null, metadata),
      (error: Error) => {
        onError(error);
        callback(error);
      },
    );
  });
}
