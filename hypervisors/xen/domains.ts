// Domain ids with a meaning of their own (xen/include/public/xen.h, DOMID_*), and the owners of frames that are no
// domain's.

/** The caller itself. */
export const SELF = 0x7ff0
/** Owner of I/O memory. */
export const IO = 0x7ff1
/** Owner of the hypervisor's own frames. */
export const XEN = 0x7ff2
/** A frame that nobody has. */
export const FREE = 0xffff
