/** Of this SDK; the server logs it. Kept equal to package.json by a test. */
export const sdkVersion = '0.1.0';

/** Major version of the signalling protocol that this SDK speaks. */
export const protocolVersion = 1;
