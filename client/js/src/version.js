/** The version of this client: the same as the whole distribution's (a test compares them). */

export const VERSION = "0.1.0";
