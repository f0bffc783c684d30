/** Wire tags of the envelope of a lane's item, `throughline.common.v1.Call`, and of `call_id` in a result. */
export const tagCallId = 0x08;
export const tagRequestId = 0x11;
export const tagTraceparent = 0x1a;
export const tagTimeout = 0x20;
export const tagOp = 0x28;
