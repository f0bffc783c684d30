/*
 * What the gateway says of a request for a response to the dialect that answers it, among the headers of the request. They are
 * ours and never a client's: the edge passes on none of that dialect's headers.
 */

/** "true": the response is kept, and the answer says so. */
export const storedHeader = "response-stored";

/** "true": the response is made in the background, and the answer says so. */
export const backgroundHeader = "response-background";

/** The ID of the response that the request goes on from, for the answer to name; its conversation is in the input already. */
export const previousHeader = "previous-response-id";
