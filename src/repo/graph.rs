//! stub
pub fn ahead_behind(
    _: &gix::Repository,
    _: gix::ObjectId,
    _: gix::ObjectId,
) -> anyhow::Result<(usize, usize)> {
    Ok((0, 0))
}
