#include "block_tag.h"

#include "config.h"

size_t block_end_at(size_t page)
{
    uint32_t block = block_tag_at(page);
    return block != 0 ? page + block_tag_pages(page, block).npages : 0;
}

size_t block_end_before(size_t page)
{
    size_t most = max_size(pages_for(g_config.max_span), RUN_GIVEN_MOST / PAGE_UNITS) + 1;
    for (size_t back = 1; back <= page && back <= most; back++)
        if (block_tag_at(page - back) != 0)
            return block_end_at(page - back);
    return 0;
}
