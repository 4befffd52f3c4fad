// The modules of the memory hypercalls, as they are.

import * as descriptorTables from '../../../hypervisors/xen/memory/descriptor-tables.js'
import * as frameTable from '../../../hypervisors/xen/memory/frame-table.js'
import * as memoryOp from '../../../hypervisors/xen/memory/memory-op.js'
import * as mmuUpdate from '../../../hypervisors/xen/memory/mmu-update.js'
import * as mmuextOp from '../../../hypervisors/xen/memory/mmuext-op.js'
import * as pageTypes from '../../../hypervisors/xen/memory/page-types.js'
import type { MemoryModules } from './memory-world.js'

export const realModules: MemoryModules = { frameTable, pageTypes, mmuUpdate, mmuextOp, memoryOp, descriptorTables }
