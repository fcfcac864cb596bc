//! A connection to the vision model for one command.

use aerie_config::Vision as Settings;
use aerie_proto::vision::v1::vision_service_client::VisionServiceClient;
use aerie_rpc::Backend;
use aerie_telemetry::Lifecycle;
use aerie_vision::{VisionService, engine::State, limit_threads};
use anyhow::{Context, bail};

use crate::{
    cli::{Cli, VisionPlaceArguments},
    commands::load_config,
    session::{ServerNote, is_live},
};

/// The vision service: through the server of the data folder, where the settings say that it runs, or made for this
/// command.
pub struct VisionSession {
    backend: Backend,
    lifecycle: Option<Lifecycle>,
}

impl VisionSession {
    /// Connects, or loads a model. A folder that the command names is loaded in any case.
    pub async fn open(cli: &Cli, place: &VisionPlaceArguments) -> anyhow::Result<Self> {
        let config = load_config(cli)?;
        let mut settings = config.vision;
        if let Some(device) = &place.device {
            settings.device.clone_from(device);
        }
        if let Some(folder) = &place.model {
            settings.model = Some(folder.clone());
            return Self::load(&settings).await;
        }
        if let Some(note) = ServerNote::read(&config.data_dir)
            && is_live(&note.url).await
        {
            return Ok(Self::at(Backend::remote(&note.url)?));
        }
        if let Some(endpoint) = &settings.endpoint {
            return Ok(Self::at(Backend::remote(endpoint).context("vision.endpoint")?));
        }
        let listen = format!("http://{}", settings.listen);
        if is_live(&listen).await {
            return Ok(Self::at(Backend::remote(&listen)?));
        }
        Self::load(&settings).await
    }

    /// Loads a model within this process.
    async fn load(settings: &Settings) -> anyhow::Result<Self> {
        limit_threads(settings.threads);
        let lifecycle = Lifecycle::new();
        let service = VisionService::create(settings, &lifecycle).await?;
        let mut state = service.engine().state();
        let state = state.wait_for(|state| !matches!(state, State::Loading)).await.context("the model's thread")?;
        match &*state {
            State::Ready(_) => {}
            State::Missing(message) => bail!("{message}, or name a folder with --model"),
            State::Failed(message) | State::Broken(message) => bail!("{message}"),
            State::Loading | State::Stopped => bail!("the model's thread has ended"),
        }
        drop(state);
        Ok(Self { backend: service.backend(), lifecycle: Some(lifecycle) })
    }

    fn at(backend: Backend) -> Self {
        Self { backend, lifecycle: None }
    }

    /// The calls.
    pub fn client(&self) -> VisionServiceClient<Backend> {
        VisionServiceClient::new(self.backend.clone())
    }
}

impl Drop for VisionSession {
    fn drop(&mut self) {
        if let Some(lifecycle) = &self.lifecycle {
            lifecycle.stop();
        }
    }
}
