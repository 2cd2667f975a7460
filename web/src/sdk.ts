/** The SDK as any page of any site would take it: from the server, at run time, and not built in. */
// The path is one of the server's, not of the disk.
// oxlint-disable-next-line import/no-absolute-path
export { ParleyClient, ParleyError } from '/sdk/parley.js';
