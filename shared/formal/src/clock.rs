/// Says when to stop. The caller owns the time; this crate only asks.
#[derive(Clone, Copy)]
pub struct Clock<'a>(&'a dyn Fn() -> bool);

impl<'a> Clock<'a> {
    /// `time_is_up` must not return to `false` once it was `true`.
    pub fn new(time_is_up: &'a dyn Fn() -> bool) -> Self {
        Self(time_is_up)
    }

    pub fn is_up(&self) -> bool {
        (self.0)()
    }
}

impl Clock<'static> {
    pub fn unlimited() -> Self {
        Self(&|| false)
    }
}
