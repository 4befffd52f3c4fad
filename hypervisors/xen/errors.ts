// Error numbers that hypercalls return, negated (xen/include/public/errno.h).

export const EPERM = -1
export const ENOENT = -2
export const ESRCH = -3
export const ENXIO = -6
export const E2BIG = -7
export const ENOMEM = -12
export const EACCES = -13
export const EFAULT = -14
export const EBUSY = -16
export const EEXIST = -17
export const ENODEV = -19
export const EINVAL = -22
export const ENOSPC = -28
export const ENOSYS = -38
export const ENODATA = -61
export const EOPNOTSUPP = -95

/** Thrown where a hypercall's pointer leads nowhere: the hypercall returns EFAULT. */
export class BadPointer extends Error {}

/** The one instance: it carries nothing, and no stack need be taken for each. */
export const badPointer = new BadPointer('bad guest pointer')
